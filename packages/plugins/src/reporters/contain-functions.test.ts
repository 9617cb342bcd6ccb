import { Results } from "@multimaster/core";
import { afterEach, expect, it, vi } from "vitest";
import type { ReportFailure } from "../report-failure.ts";
import { containFunctions } from "./contain-functions.ts";
import { commitsOf, explainNoCommit } from "./forge-shape.ts";
import { sampleFacts } from "./messages/sample-facts.ts";

afterEach(() => {
  vi.useRealTimers();
});

it("ends the wait for a function of the config that hangs, and names it", async () => {
  vi.useFakeTimers();
  const { to } = containFunctions({ to: () => new Promise<string[]>(() => {}) });
  const failed = to().then(
    () => undefined,
    (error: unknown) => error as ReportFailure,
  );
  await vi.advanceTimersByTimeAsync(10_000);
  const failure = await failed;
  expect(failure?.message).toBe('the function "to" of the config failed: it did not answer within 10 s');
  expect(failure?.failure).toEqual({ of: "report" });
  expect(vi.getTimerCount()).toBe(0);
});

it.each([
  [
    "a getter",
    () => ({
      get a(): number {
        for (;;);
      },
    }),
  ],
  [
    "toJSON",
    () => ({
      toJSON: () => {
        for (;;);
      },
    }),
  ],
  [
    "a getter of what a promise brings",
    async () => ({
      get a(): number {
        for (;;);
      },
    }),
  ],
])("ends %s of an answer that never returns, like the function itself", async (_, body) => {
  const contained = containFunctions({ body });
  await expect((async () => contained.body())()).rejects.toThrow(
    /"body" of the config failed: it blocked .* 1000 ms|took longer/,
  );
});

it("says why what a function answered has no text in JSON", () => {
  const within: { own?: unknown } = {};
  within.own = within;
  for (const [answer, why] of [
    [within, /circular/i],
    [{ a: 1n }, /BigInt/],
  ] as const)
    expect(() => containFunctions({ body: () => answer }).body()).toThrow(why);
});

it("keeps the failure of a promise that is not waited for from ending the master", async () => {
  const seen: unknown[] = [];
  const note = (reason: unknown) => void seen.push(reason);
  process.on("unhandledRejection", note);
  const { body } = containFunctions({ body: () => Promise.reject(new Error("no")) });
  void body();
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(seen).toEqual([]);
});

it("names a function of the config that rejects, and passes the answer of one that works", async () => {
  vi.useFakeTimers();
  const { to, from } = containFunctions({
    to: async (): Promise<string[]> => {
      throw new Error("no directory");
    },
    from: async () => "ada",
  });
  await expect(to()).rejects.toThrow('the function "to" of the config failed: no directory');
  expect(await from()).toBe("ada");
  expect(vi.getTimerCount()).toBe(0);
});

it("finds the commit of each codebase, and says why there is none", () => {
  const build = sampleFacts().find(({ facts }) => facts.build?.results === Results.SUCCESS)?.facts.build;
  if (!build) throw new Error("no sample");
  const source = (codebase: string, revision: string | null) => ({
    codebase,
    repository: `https://forge.example.org/own/${codebase || "r"}.git`,
    project: "",
    branch: "main",
    revision,
  });
  const found = (sources: readonly ReturnType<typeof source>[], got: string | Record<string, string>) =>
    commitsOf({ ...build, sources, properties: { got_revision: got } }, { context: "ci" }).map(
      ({ repository, revision }) => `${repository}@${revision}`,
    );
  // What was asked for, whatever a step says.
  expect(found([source("", "aaa")], "bbb")).toEqual(["own/r@aaa"]);
  expect(found([source("", null)], "bbb")).toEqual(["own/r@bbb"]);
  expect(found([source("app", null), source("lib", null)], { lib: "ccc" })).toEqual(["own/lib@ccc"]);
  // One text does not say which codebase it is of.
  expect(found([source("app", "aaa"), source("lib", null)], "bbb")).toEqual(["own/app@aaa"]);
  const event = {
    event: "build-ended" as const,
    at: 1,
    build: { ...build, sources: [source("app", null)], properties: {} },
  };
  expect(explainNoCommit(event, { context: "ci" })).toBe(
    `${build.builder} #${build.number} is about no commit: its source of codebase "app" has no revision, and no step has set got_revision for it`,
  );
});
