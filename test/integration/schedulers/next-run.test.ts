import { findDue } from "@multimaster/plugins/schedulers/timed/find-due";
import {
  explainNever,
  nextRun,
  parseCron,
  parseFields,
  type Timetable,
} from "@multimaster/plugins/schedulers/timed/next-run";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";

const minute = 60_000;
const day = 86_400_000;

const runs = (timetable: Timetable, after: string, count: number) => {
  const found: string[] = [];
  for (let at = new Date(after); found.length < count; ) {
    at = nextRun(timetable, at) as Date;
    found.push(at.toISOString().slice(0, 16));
  }
  return found;
};
const fields = { minute: 0, hour: "*", dayOfMonth: "*", month: "*", dayOfWeek: "*" } as const;

describe("the next run of a timetable", () => {
  it("is read from a cron text or from Buildbot's fields", () => {
    // A Friday.
    const after = "2026-11-27T12:00:00Z";
    const weekdays = ["2026-11-30T02:30", "2026-12-01T02:30"];
    expect(runs(parseCron("30 2 * * 1-5", "UTC"), after, 2)).toEqual(weekdays);
    expect(runs(parseCron("30 2 * * mon-fri", "UTC"), after, 2)).toEqual(weekdays);
    expect(runs(parseFields({ ...fields, minute: 30, hour: 2, dayOfWeek: [0, 1, 2, 3, 4] }, "UTC"), after, 2)).toEqual(
      weekdays,
    );
    expect(runs(parseFields({ ...fields, minute: "30", hour: [2], dayOfWeek: "mon-fri" }, "UTC"), after, 2)).toEqual(
      weekdays,
    );
    expect(runs(parseFields({ ...fields, hour: "*/6", dayOfWeek: 6 }, "UTC"), after, 2)).toEqual([
      "2026-11-29T00:00",
      "2026-11-29T06:00",
    ]);
    expect(runs(parseCron("0 0 * * sat-sun", "UTC"), after, 2)).toEqual(["2026-11-28T00:00", "2026-11-29T00:00"]);
    expect(runs(parseCron("0 0 * * 7", "UTC"), after, 1)).toEqual(["2026-11-29T00:00"]);
    expect(runs(parseCron("@monthly", "UTC"), after, 1)).toEqual(["2026-12-01T00:00"]);
    expect(runs(parseCron("0 0 13 * 5", "UTC"), "2026-12-10T00:00:00Z", 3), "either day suffices").toEqual([
      "2026-12-11T00:00",
      "2026-12-13T00:00",
      "2026-12-18T00:00",
    ]);
    expect(runs(parseCron("0 0 29 2 *", "UTC"), "2096-03-01T00:00:00Z", 1)).toEqual(["2104-02-29T00:00"]);
  });

  it("is once in the night in which clocks are set forward, and once in that in which they are set back", () => {
    const night = parseCron("30 2 * * *", "Europe/Berlin");
    // 02:00 became 03:00 on 29 March 2026, and 03:00 became 02:00 on 25 October.
    expect(runs(night, "2026-03-28T00:00:00Z", 3)).toEqual([
      "2026-03-28T01:30",
      "2026-03-29T01:00",
      "2026-03-30T00:30",
    ]);
    expect(runs(night, "2026-10-24T12:00:00Z", 2)).toEqual(["2026-10-25T00:30", "2026-10-26T01:30"]);
    for (const hours of ["*", "0-23", "*/1"]) {
      const hourly = parseCron(`30 ${hours} * * *`, "Europe/Berlin");
      expect(runs(hourly, "2026-10-24T23:59:00Z", 3), "every hour goes on").toEqual([
        "2026-10-25T00:30",
        "2026-10-25T01:30",
        "2026-10-25T02:30",
      ]);
    }
  });

  it("says what is wrong with a text", () => {
    expect(() => parseCron("30 2 * *", "UTC")).toThrow('"30 2 * *" has 4 fields instead of 5');
    expect(() => parseCron("30 24 * * *", "UTC")).toThrow('"24" is no hour: write numbers from 0 to 23');
    expect(() => parseCron("30 2 * * 5-1-2", "UTC")).toThrow("is no dayOfWeek");
    expect(() => parseCron("*/0 2 * * *", "UTC")).toThrow('"*/0" is no minute');
    expect(() => parseCron("5/10 2 * * *", "UTC")).toThrow('write "5-59/10" or "*/10"');
    expect(() => parseFields({ ...fields, dayOfWeek: "1-5" }, "UTC")).toThrow('such as "mon-fri"');
    expect(explainNever(parseCron("0 2 30 2 *", "UTC"))).toBe(
      "never runs: no month of those given (2) has a day 30; write a day up to 29, or other months",
    );
    expect(explainNever(parseCron("0 2 30 2 1", "UTC")), "a Monday in February").toBeUndefined();
    expect(explainNever(parseCron("0 2 29 2 *", "UTC"))).toBeUndefined();
  });

  const zones = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Kathmandu",
    "America/Havana",
    "Africa/Casablanca",
  ];
  // Days on which the clocks of one of the zones are set forward or back.
  const turns = [
    "2026-03-29",
    "2026-10-25",
    "2026-03-08",
    "2026-11-01",
    "2026-04-05",
    "2026-10-04",
    "2026-09-06",
    "2026-02-15",
    "2026-03-22",
    "2026-06-15",
  ];
  const part = (least: number, most: number) =>
    fc.oneof(
      fc.constant("*"),
      // A step past the last day of the week is refused.
      fc.integer({ min: 2, max: 6 }).map((n) => `*/${n}`),
      fc.array(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 4 }).map((list) => list.join(",")),
      fc
        .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
        .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    );

  it("is what a scan of all minutes finds, in any zone", () => {
    const cron = fc.tuple(
      part(0, 59),
      fc.oneof(part(0, 4), part(0, 23)),
      fc.oneof(fc.constant("*"), part(1, 31)),
      fc.constant("*"),
      fc.oneof(fc.constant("*"), part(0, 6)),
    );
    const start = fc
      .tuple(fc.constantFrom(...turns), fc.integer({ min: -1500, max: 1500 }))
      .map(([turn, n]) => Date.parse(turn) + n * minute);
    fc.assert(
      fc.property(cron, fc.constantFrom(...zones), start, (parts, zone, after) => {
        const found = nextRun(parseCron(parts.join(" "), zone), new Date(after))?.getTime() ?? Number.POSITIVE_INFINITY;
        const end = after + 2 * day;
        const expected = scan(parts, zone, after, end);
        if (expected === undefined) expect(found).toBeGreaterThan(end);
        else expect(new Date(found).toISOString()).toBe(new Date(expected).toISOString());
      }),
      { numRuns: 40 },
    );
  });

  /** The rule word for word: what the clocks show is looked up for each minute. */
  function scan(parts: readonly string[], zone: string, after: number, end: number): number | undefined {
    const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
    const shown = (at: number) => Date.parse(`${clock.format(at).replace(" ", "T")}Z`);
    const [minutes, hours, days, , weekdays] = parts as [string, string, string, string, string];
    const has = (text: string, value: number, least = 0) =>
      text.split(",").some((item) => {
        if (item === "*") return true;
        if (item.startsWith("*/")) return (value - least) % Number(item.slice(2)) === 0;
        const [from, to = from] = item.split("-").map(Number) as [number, number?];
        return value >= from && value <= to;
      });
    const isHourly = Array.from({ length: 24 }, (_, hour) => has(hours, hour)).every(Boolean);
    const fits = (local: number) => {
      const date = new Date(local);
      const [inMonth, inWeek] = [has(days, date.getUTCDate(), 1), has(weekdays, date.getUTCDay())];
      const isDay = days === "*" || weekdays === "*" ? inMonth && inWeek : inMonth || inWeek;
      return isDay && has(hours, date.getUTCHours()) && has(minutes, date.getUTCMinutes());
    };
    const seen = new Set<number>();
    let before: number | undefined;
    for (let at = Math.ceil((after - day / 4) / minute) * minute; at <= end; at += minute) {
      const local = shown(at);
      let isRun = fits(local) && (isHourly || !seen.has(local));
      if (!isHourly && before !== undefined)
        for (let skipped = before + minute; skipped < local; skipped += minute) isRun ||= fits(skipped);
      seen.add(local);
      before = local;
      if (isRun && at > after) return at;
    }
    return undefined;
  }
});

it("is found after weeks without a scheduler with a few questions about the clocks of its zone", () => {
  const timetable = parseCron("* * * * *", "America/Sao_Paulo");
  const next = (after: number) => (nextRun(timetable, new Date(after * 1000)) as Date).getTime() / 1000;
  const now = Date.parse("2026-11-27T12:00:30Z") / 1000;
  const asked = vi.spyOn(Intl.DateTimeFormat.prototype, "formatToParts");
  const due = findDue({ next, runAtStart: false }, { since: now - 40 * 86_400, last: null }, now);
  const calls = asked.mock.calls.length;
  asked.mockRestore();
  expect(due).toEqual({ slot: now - 30, passed: 1000 });
  // A slot needs one, to learn the local time.
  expect(calls).toBeLessThan(1500);
});

it("is found with as few where the clocks change", () => {
  const timetable = parseCron("* * * * *", "Europe/Berlin");
  const asked = vi.spyOn(Intl.DateTimeFormat.prototype, "formatToParts");
  let at = new Date("2026-10-24T20:00:00Z");
  for (let i = 0; i < 600; i++) at = nextRun(timetable, at) as Date;
  const calls = asked.mock.calls.length;
  asked.mockRestore();
  expect(at.toISOString()).toBe("2026-10-25T06:00:00.000Z");
  expect(calls).toBeLessThan(5000);
});
