import { expect, it } from "vitest";
import type { z } from "zod";
import { describeIssue } from "./describe-issue.ts";
import { buildersSlice } from "./slices/builders.ts";
import { warningsOfWorkers, workersSlice } from "./slices/workers.ts";

function problemsOf(schema: z.ZodType, value: object): string[] {
  const issues = schema.safeParse(value).error?.issues ?? [];
  return issues.flatMap((issue) => describeIssue(issue, schema, value));
}

it("says of each wrong option of a builder what would be right, all at once", () => {
  const problems = problemsOf(buildersSlice, {
    builders: [
      {
        name: "a",
        workers: ["w"],
        steps: [],
        order: "youngest first",
        canStart: true,
        nextWorker: "w",
        weight: -1,
        retry: [{ on: ["flaky"], text: "reset", times: 0, delay: "soon" }, { on: [] }],
      },
    ],
  });
  for (const [path, right] of [
    ["builders[0].order", '"newest first"'],
    ["builders[0].canStart", "must be a function (request, worker) => true, or why not"],
    ["builders[0].nextWorker", "must be a function (workers, request) => the name of one of them"],
    ["builders[0].weight", "must be at least 0"],
    ["builders[0].retry[0].on[0]", '"machine"'],
    ["builders[0].retry[0].text", "must be a regular expression"],
    ["builders[0].retry[0].times", "must be greater than 0"],
    ["builders[0].retry[0].delay", '"90s"'],
    ["builders[0].retry[1].on", "at least one entry"],
  ] as const)
    expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${quote(path)}: .*${quote(right)}`)));
});

it("says of each wrong option of workers what would be right, all at once", () => {
  const problems = problemsOf(workersSlice, {
    builderOrder: "random",
    workers: [
      {
        name: "w",
        local: true,
        capacity: 0,
        accepts: "urgent",
        hours: { zone: "Mars", open: ["monday", "sat", "mon 08:00-08:00"] },
      },
      { name: "v", local: true, hours: { open: "sat" } },
    ],
  });
  for (const [path, right] of [
    ["builderOrder", '"longest unbuilt first"'],
    ["workers[0].capacity", "must be greater than 0"],
    ["workers[0].accepts", "must be a function (request) => true, or why not"],
    ["workers[0].hours.zone", '"Europe/Berlin"'],
    ["workers[0].hours.open[0]", '"mon-fri 18:00-08:00"'],
    ["workers[0].hours.open[2]", 'never opens: it ends when it begins; write "00:00-24:00" for the whole day'],
    ["workers[1].hours.open", "array"],
  ] as const)
    expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${quote(path)}: .*${quote(right)}`)));
});

it("warns of workers on which nothing begins", () => {
  const slice = workersSlice.parse({
    workers: [
      { name: "w", local: true, hours: { open: [] } },
      { name: "v", local: true, accepts: () => "never", capacity: 3 },
    ],
  });
  expect(warningsOfWorkers(slice).map(({ path, sentence }) => `${path.join(".")}: ${sentence}`)).toEqual([
    'workers.0.hours: never opens: no build ever begins on "w"; add a time to "open"',
    'workers.1.accepts: refuses everything: no request is ever built on "v"; return true where a build may start',
  ]);
});

const quote = (text: string) => text.replace(/[()[\]{}.*+?^$|\\]/g, "\\$&");
