import { retryRule } from "@multimaster/config";
import { Results } from "@multimaster/core";
import { expect, it } from "vitest";
import { findRetry } from "./find-retry.ts";

it("runs a build again by the first rule that fits how it ended", () => {
  const rules = [
    retryRule.parse({ on: ["failure"], text: /connection reset/, times: 5, delay: "10s" }),
    retryRule.parse({ on: ["machine", "lost"], delay: "5m" }),
    retryRule.parse({ on: ["exception"], times: 1 }),
  ];
  const find = (more: Partial<Parameters<typeof findRetry>[1]>) =>
    findRetry(rules, { results: Results.EXCEPTION, state: "exception", isLost: false, isMachine: false, ...more });
  expect(find({ results: Results.FAILURE, state: "failed 'curl' connection reset" })).toEqual({ times: 5, delayS: 10 });
  expect(find({ results: Results.FAILURE, state: "failed 'make'" })).toBeUndefined();
  expect(find({ isMachine: true })).toEqual({ times: 2, delayS: 300 });
  expect(find({ results: Results.RETRY, isLost: true })).toEqual({ times: 2, delayS: 300 });
  expect(find({})).toEqual({ times: 1, delayS: 60 });
  expect(find({ results: Results.CANCELLED })).toBeUndefined();
  expect(find({ results: Results.SUCCESS })).toBeUndefined();
});
