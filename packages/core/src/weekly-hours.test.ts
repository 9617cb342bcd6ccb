import { describe, expect, it } from "vitest";
import { everOpen, nextOpening, weeklyHours } from "./weekly-hours.ts";

const at = (text: string) => Date.parse(text);
const opening = (open: string[], now: string, zone = "UTC") => {
  const next = nextOpening({ zone, open }, at(now));
  return next === null ? "open" : new Date(next).toISOString();
};

describe("weekly hours", () => {
  it("are open in their windows, over midnight too", () => {
    // 2026-11-27 is a Friday.
    expect(opening(["mon-fri 18:00-08:00"], "2026-11-27T17:59:00Z")).toBe("2026-11-27T18:00:00.000Z");
    expect(opening(["mon-fri 18:00-08:00"], "2026-11-27T18:00:00Z")).toBe("open");
    expect(opening(["mon-fri 18:00-08:00"], "2026-11-28T07:59:00Z")).toBe("open");
    expect(opening(["mon-fri 18:00-08:00"], "2026-11-28T08:00:00Z")).toBe("2026-11-30T18:00:00.000Z");
    expect(opening(["sat,sun"], "2026-11-28T23:59:59Z")).toBe("open");
    expect(opening(["sat,sun"], "2026-11-27T00:00:00Z")).toBe("2026-11-28T00:00:00.000Z");
    expect(opening(["fri-mon 08:00-24:00"], "2026-11-29T23:59:00Z")).toBe("open");
    expect(opening(["22:00-06:00"], "2026-11-25T12:00:00Z")).toBe("2026-11-25T22:00:00.000Z");
  });

  it("follow the clocks of their zone", () => {
    expect(opening(["08:00-18:00"], "2026-07-01T05:59:00Z", "Europe/Berlin")).toBe("2026-07-01T06:00:00.000Z");
    // In the night of March 29th the clocks go from 2:00 to 3:00, and in that of October 25th from 3:00 to 2:00.
    expect(opening(["08:00-18:00"], "2026-03-28T20:00:00Z", "Europe/Berlin")).toBe("2026-03-29T06:00:00.000Z");
    expect(opening(["08:00-18:00"], "2026-10-24T20:00:00Z", "Europe/Berlin")).toBe("2026-10-25T07:00:00.000Z");
  });

  it("say which text is wrong, and whether they ever open", () => {
    for (const wrong of [
      "",
      "monday",
      "mon 8:00-9:00",
      "mon 08:00-25:00",
      "08:00",
      "mon;tue",
      "mon 08:00-08:00",
      "00:00-00:00",
    ])
      expect([wrong, weeklyHours.safeParse({ open: [wrong] }).success]).toEqual([wrong, false]);
    expect(weeklyHours.safeParse({ zone: "Mars/Base", open: ["sat"] }).error?.issues[0]?.message).toContain(
      "time zone",
    );
    expect(everOpen({ zone: "UTC", open: [] })).toBe(false);
    expect(everOpen({ zone: "UTC", open: ["mon 08:00-08:00"] })).toBe(false);
    expect(everOpen({ zone: "UTC", open: ["mon 08:00-07:00"] })).toBe(true);
  });
});
