import { describe, expect, it } from "vitest";
import { workersSlice } from "./slices/workers.ts";
import { alwaysRefuses, returnsNothing } from "./start-warnings.ts";
import { warningsOfCapacities, warningsOfWeights } from "./weight-warnings.ts";

describe("a function", () => {
  it("is known to refuse everything only if its text shows it", () => {
    const refusing = [
      () => false,
      (_request: unknown) => "not today",
      async () => false,
      () => {
        return "never";
      },
      () => ({ refused: "closed", askAgainIn: "1h" }),
      () => "closed",
      function no() {
        return false;
      },
    ];
    for (const fn of refusing) expect([fn.toString(), alwaysRefuses(fn)]).toEqual([fn.toString(), true]);
    const others = [
      () => true,
      (request: { priority: number }) => (request.priority > 1 ? true : "too low"),
      (request: { reason: string }) => request.reason === "x" || "not x",
      () => ["a"].length > 1,
      (request: { reason: string }) => `not ${request.reason}`.length > 3,
      undefined,
      () => {
        if (Date.now() > 0) return true;
        return false;
      },
    ];
    for (const fn of others) expect([String(fn), alwaysRefuses(fn)]).toEqual([String(fn), false]);
  });
});

it("a function is known to choose no worker only if its text shows it", () => {
  const choosing = [(workers: { name: string }[]) => workers[0]?.name, () => "w", undefined, () => [].find(() => true)];
  for (const fn of choosing) expect([String(fn), returnsNothing(fn)]).toEqual([String(fn), false]);
  const none = [() => undefined, (_workers: unknown, _request: unknown) => null, () => {}, function no() {}];
  for (const fn of none) expect([String(fn), returnsNothing(fn)]).toEqual([String(fn), true]);
});

it("warns of a weight that no worker of the builder has room for", () => {
  const slice = workersSlice.parse({
    workers: [
      { name: "small", local: true, maxBuilds: 4, capacity: 4 },
      { name: "large", local: true, maxBuilds: 8, capacity: 8 },
      { name: "any", local: true },
    ],
  });
  const warn = (weight: number, workers: string[]) =>
    warningsOfWeights([{ name: "b", weight, workers }], slice).map(({ sentence }) => sentence);
  expect(warn(8, ["small", "large"])).toEqual([]);
  expect(warn(9, ["small", "any"])).toEqual([]);
  expect(warn(9, ["small", "large"])).toEqual([
    'is 9, and the largest capacity of its workers is 8: no build of "b" ever starts',
  ]);
});

it("warns of a capacity that keeps no build away", () => {
  const slice = workersSlice.parse({
    workers: [
      { name: "single", local: true, capacity: 3 },
      { name: "several", local: true, maxBuilds: 2, capacity: 3 },
      { name: "any", local: true },
    ],
  });
  const warn = (weight: number, workers: string[]) =>
    warningsOfCapacities([{ name: "b", weight, workers }], slice).map(
      ({ path, sentence }) => `${path.join(".")}: ${sentence}`,
    );
  expect(warn(3, ["single", "several", "any"])).toEqual([
    'workers.0.capacity: limits nothing: "single" takes one build at a time, since its "maxBuilds" is 1, and none of its builders weighs more than 3',
  ]);
  expect(warn(9, ["several", "any"])).toHaveLength(1);
  expect(warn(4, ["single", "any"]), "it keeps that build away").toEqual([]);
});
