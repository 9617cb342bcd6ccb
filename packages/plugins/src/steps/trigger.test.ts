import type { RenderContext } from "@multimaster/config";
import { type Json, Results } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import type { StepDefinition } from "../define-step.ts";
import type { BuildSource, StepContext, TriggerRequest } from "../step-context.ts";
import trigger from "./trigger.ts";

const source = (more: Partial<BuildSource> = {}): BuildSource => ({
  ssid: 7,
  codebase: "",
  branch: "main",
  revision: "asked",
  repository: "https://example.org/r.git",
  project: "",
  patch: null,
  ...more,
});

interface World {
  sources?: BuildSource[];
  properties?: Record<string, Json>;
  /** How what each scheduler builds ends. */
  ends?: Record<string, (typeof Results)[keyof typeof Results]>;
}

/** Runs the step; returns how it ended, what it asked for, and the links it made. */
async function run(
  options: Parameters<typeof trigger>[0],
  { sources = [source()], properties = {}, ends = {} }: World = {},
) {
  const asked: { requests: readonly TriggerRequest[]; options: unknown }[] = [];
  const urls: string[] = [];
  const ctx = {
    property: (name: string) => properties[name],
    source: () => undefined,
    build: { sources },
    properties: { get: (name: string) => properties[name] },
    setState: () => {},
    addUrl: async (name: string, url: string) => void urls.push(`${name} ${url}`),
    async trigger(requests: readonly TriggerRequest[], options: unknown) {
      asked.push({ requests, options });
      return requests.map(({ scheduler }, i) => ({
        scheduler,
        requests: [{ buildrequestid: i + 1, url: `#/buildrequests/${i + 1}` }],
        finished: async () => {
          const results = ends[scheduler] ?? Results.SUCCESS;
          return { results, builds: [{ builder: "b", number: i + 1, results, url: `#/builders/1/builds/${i + 1}` }] };
        },
      }));
    },
  } as unknown as StepContext;
  const end = await (trigger(options).plugin as StepDefinition).run(ctx, options as never);
  return { end, urls, ...(asked[0] as (typeof asked)[number]) };
}

describe("a trigger step", () => {
  it("succeeds immediately, with links to what it has triggered", async () => {
    const { end, urls, requests, options } = await run({ schedulerNames: ["a", "b"] });
    expect(end).toEqual({ results: Results.SUCCESS, summary: "triggered a, b" });
    expect(urls).toEqual(["a #1 #/buildrequests/1", "b #2 #/buildrequests/2"]);
    expect(options).toEqual({ wait: false, relationship: "Triggered from" });
    expect(requests).toMatchObject([{ scheduler: "a" }, { scheduler: "b" }]);
  });

  it("waits, and ends as the worst of them does", async () => {
    const { end, urls } = await run(
      { schedulerNames: ["a", "b", "c"], waitForFinish: true },
      { ends: { a: Results.WARNINGS, b: Results.FAILURE } },
    );
    expect(end).toEqual({
      results: Results.FAILURE,
      summary: "triggered a, b, c, 1 success, 1 warnings, 1 failure",
    });
    expect(urls.slice(3)).toEqual([
      "warnings: b #1 #/builders/1/builds/1",
      "failure: b #2 #/builders/1/builds/2",
      "success: b #3 #/builders/1/builds/3",
    ]);
  });

  it("does not mind how unimportant ones end", async () => {
    const names = { schedulerNames: ["a", "b"], unimportantSchedulerNames: ["b"], waitForFinish: true };
    expect((await run(names, { ends: { b: Results.EXCEPTION } })).end.results).toBe(Results.SUCCESS);
    expect((await run(names, { ends: { a: Results.CANCELLED } })).end.results).toBe(Results.CANCELLED);
  });

  describe("passes on the source stamps of its build", () => {
    const stamps = async (more: object, world: World) =>
      (await run({ schedulerNames: ["a"], ...more }, world)).requests[0]?.sourceStamps;
    const got = { properties: { got_revision: "checked-out" } };
    const updated = {
      branch: "main",
      revision: "checked-out",
      repository: "https://example.org/r.git",
      project: "",
    };

    it("with the revision that was checked out", async () => {
      expect(await stamps({}, got)).toEqual({ "": updated });
      const two = [source(), source({ ssid: 8, codebase: "lib" })];
      expect(await stamps({}, { sources: two, properties: { got_revision: { lib: "checked-out" } } })).toEqual({
        "": 7,
        lib: updated,
      });
    });

    it("unchanged if nothing was checked out, if the options say so, and if they hold a patch", async () => {
      expect(await stamps({}, {})).toEqual({ "": 7 });
      expect(await stamps({}, { properties: { got_revision: "asked" } })).toEqual({ "": 7 });
      expect(await stamps({ updateSourceStamp: false }, got)).toEqual({ "": 7 });
      expect(
        await stamps(
          {},
          { ...got, sources: [source({ patch: { patchid: 1, level: 1, subdir: null, author: "", comment: "" } })] },
        ),
      ).toEqual({ "": 7 });
    });

    it("or none of them, or others", async () => {
      expect(await stamps({ alwaysUseLatest: true }, got)).toEqual({});
      const given = [{ codebase: "lib", branch: "dev" }, { revision: (b: RenderContext) => String(b.property("tag")) }];
      expect(await stamps({ sourceStamps: given }, { properties: { tag: "v1" } })).toEqual({
        lib: { branch: "dev" },
        "": { revision: "v1" },
      });
    });
  });

  it("copies properties, and sets others over them", async () => {
    const { requests } = await run(
      {
        schedulerNames: ["a"],
        copyProperties: ["one", "two", "none"],
        setProperties: { two: (b) => [b.property("two") ?? 0, 2] },
      },
      { properties: { one: 1, two: "x" } },
    );
    expect(requests[0]?.properties).toEqual({ one: 1, two: ["x", 2] });
  });

  it("reports which schedulers it names as values", () => {
    const { plugin } = trigger({ schedulerNames: [] });
    expect(plugin.triggers?.({ schedulerNames: ["a", () => "b"] })).toEqual(["a"]);
    expect(plugin.triggers?.({ schedulerNames: () => ["a"] })).toEqual([]);
    expect(plugin.options.safeParse({ schedulerNames: ["a", "a"] }).error?.issues[0]?.message).toBe(
      "names a scheduler twice",
    );
  });
});
