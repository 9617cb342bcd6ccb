import { expect, it } from "vitest";
import { listFirstSteps } from "./list-first-steps.ts";

const sentences = (facts: Parameters<typeof listFirstSteps>[0]) =>
  listFirstSteps(facts).map(({ isDone, sentence }) => `${isDone ? "done" : "to do"}: ${sentence}`);

it("says of a new cluster what is there, and what to do next", () => {
  expect(sentences({ builders: 2, workers: 1, attached: 0, changes: 0 })).toEqual([
    "done: 2 builders are configured",
    "to do: No worker is attached: start one of those in the config, with `worker start`",
    "to do: No change was seen: push a commit to a repository that a change source polls or whose forge calls the hook",
    "to do: Start the first build: push a commit, or force a build on a builder's page",
  ]);
});

it("claims nothing that is not there", () => {
  expect(
    sentences({ builders: 0, workers: 0, attached: 0, changes: 0 }).filter((each) => each.startsWith("done")),
  ).toEqual([]);
});
