import { expect, it } from "vitest";
import { wordOf } from "./cluster-word.ts";

const ok = { state: "ok", kind: "role" };

it("calls a cluster healthy only if every part was read and works", () => {
  const healthy = { state: "healthy" };
  expect(wordOf(healthy, [ok, { state: "single", kind: "role" }], 0)).toBe("healthy");
  // While old builds are read, the cluster works.
  expect(wordOf(healthy, [ok, { state: "starting", kind: "history" }], 0)).toBe("healthy");
  expect(wordOf(undefined, [ok], 0)).toBe("unknown");
  expect(wordOf(healthy, undefined, 0)).toBe("unknown");
  expect(wordOf(healthy, [ok, { state: "unknown", kind: "role" }], 0)).toBe("unknown");
  expect(wordOf(healthy, [ok, { state: "starting", kind: "builders" }], 0)).toBe("starting");
  expect(wordOf(healthy, [ok, { state: "degraded", kind: "messages" }], 0)).toBe("degraded");
  expect(wordOf({ state: "degraded" }, undefined, 1)).toBe("degraded");
  expect(wordOf(healthy, [ok], 1)).toBe("upgrading");
});
