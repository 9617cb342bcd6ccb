import { describe, expect, it } from "vitest";
import { SettledParts } from "./settled-parts.ts";

const hour = 3600;
const settled = { after: 50, quietUntil: 1000, hasNeeded: false };

describe("a part that a run is done with", () => {
  const parts = () => {
    const known = new SettledParts();
    known.usePlan("plan");
    known.settle("part", 0, settled, 10_000);
    return known;
  };

  it("has nothing to do until something is old enough, and then begins behind what was judged", () => {
    expect(parts().startOf("part", { now: 10_001, horizon: 999 })).toBe(undefined);
    expect(parts().startOf("part", { now: 10_001, horizon: 1000 })).toBe(50);
    expect(parts().startOf("other", { now: 10_001, horizon: 999 })).toBe(0);
  });

  it("is judged again from the beginning after a day, and after an hour where something was needed", () => {
    const known = parts();
    known.settle("needed", 0, { ...settled, hasNeeded: true }, 10_000);
    // A run that only went on from there knows nothing new of what is before.
    known.settle("part", 50, settled, 10_000 + 20 * hour);
    expect(known.startOf("part", { now: 10_000 + 24 * hour - 1, horizon: 0 })).toBe(undefined);
    expect(known.startOf("part", { now: 10_000 + 24 * hour, horizon: 0 })).toBe(0);
    expect(known.startOf("needed", { now: 10_000 + hour - 1, horizon: 0 })).toBe(undefined);
    expect(known.startOf("needed", { now: 10_000 + hour, horizon: 0 })).toBe(0);
  });

  it("goes by the newest build where that is why something stayed", () => {
    const known = parts();
    known.settle("part", 0, { ...settled, newest: 60 }, 10_000);
    expect(known.startOf("part", { now: 10_001, horizon: 0, newest: 60 })).toBe(undefined);
    expect(known.startOf("part", { now: 10_001, horizon: 0, newest: 61 })).toBe(50);
  });

  it("is forgotten with the rules", () => {
    const known = parts();
    known.usePlan("another plan");
    expect(known.startOf("part", { now: 10_001, horizon: 999 })).toBe(0);
  });
});
