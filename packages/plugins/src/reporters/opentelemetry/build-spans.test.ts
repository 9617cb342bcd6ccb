import { Results } from "@multimaster/core";
import { expect, it } from "vitest";
import { sampleFacts } from "../messages/sample-facts.ts";
import { spansOf } from "./build-spans.ts";

it("a trace has the whole build, the wait of its request, and each step that has run", () => {
  const facts = sampleFacts().find((one) => one.facts.build?.results === Results.FAILURE)?.facts;
  const build = facts?.build;
  if (!build) throw new Error("one of the samples is of a build that failed");
  const skipped = { ...facts.steps[0], stepid: 99, name: "never", startedAt: null } as (typeof facts.steps)[number];
  const spans = spansOf("ci", { build, url: "https://ci.example.org/b/1", at: 0 }, [...facts.steps, skipped]);
  const [whole, wait, ...steps] = spans;
  expect(spans.map(({ name }) => name)).toEqual(["web", "wait", "compile", "test"]);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(4);
  expect([wait, ...steps].every((span) => span?.parentSpanId === whole?.spanId)).toBe(true);
  expect(whole).toMatchObject({ startTimeUnixNano: "1699999990000000000", endTimeUnixNano: "1700000272000000000" });
  expect(wait).toMatchObject({ startTimeUnixNano: "1699999990000000000", endTimeUnixNano: "1700000000000000000" });
  expect(whole?.status).toEqual({ code: 2, message: "3 of 240 tests failed" });
  expect(whole?.attributes).toContainEqual({ key: "cicd.pipeline.result", value: { stringValue: "failure" } });
  expect(steps.map(({ status }) => status.code)).toEqual([1, 2]);
  expect(spansOf("ci", { build: { ...build, results: Results.SUCCESS }, url: "", at: 0 }, [])[0]?.traceId).toBe(
    whole?.traceId,
  );
});
