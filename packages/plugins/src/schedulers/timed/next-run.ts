import { cronFields, parseCronField, parseOption, TimetableError } from "./cron-fields.ts";
import { endOfGap, instantsOf, localTime, offsetOfDay } from "./zone-time.ts";

/** When something runs, in the time of a zone. A field that is undefined takes all values. */
export interface Timetable {
  readonly zone: string;
  readonly minute: ReadonlySet<number> | undefined;
  readonly hour: ReadonlySet<number> | undefined;
  readonly dayOfMonth: ReadonlySet<number> | undefined;
  readonly month: ReadonlySet<number> | undefined;
  /** Sunday is 0. */
  readonly dayOfWeek: ReadonlySet<number> | undefined;
}

const nicknames: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};

/** Reads a cron text of five fields. Throws a TimetableError. */
export function parseCron(text: string, zone: string): Timetable {
  const nickname = text.trim().toLowerCase();
  if (nickname.startsWith("@") && !nicknames[nickname])
    throw new TimetableError(
      "cron",
      `"${text}" is no timetable: write five fields, or one of ${Object.keys(nicknames).join(", ")}`,
    );
  const fields = (nicknames[nickname] ?? text).trim().split(/\s+/);
  if (fields.length !== cronFields.length)
    throw new TimetableError(
      "cron",
      `"${text}" has ${fields.length === 1 ? "1 field" : `${fields.length} fields`} instead of 5: minute, hour, day of the month, month, day of the week`,
    );
  const values = cronFields.map(
    (field, i) => [field.name, parseCronField(fields[i] as string, field, "cron")] as const,
  );
  return { zone, ...(Object.fromEntries(values) as unknown as Omit<Timetable, "zone">) };
}

/** The fields of a timetable as Buildbot has them. */
export type TimetableFields = Readonly<
  Record<"minute" | "hour" | "dayOfMonth" | "month" | "dayOfWeek", number | string | readonly (number | string)[]>
>;

/** Reads a timetable that is written field by field. Throws a TimetableError. */
export function parseFields(given: TimetableFields, zone: string): Timetable {
  const values = cronFields.map((field) => [field.name, parseOption(given[field.name], field)] as const);
  return { zone, ...(Object.fromEntries(values) as unknown as Omit<Timetable, "zone">) };
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
/** More than eight years: from one 29 February to the next, over a year such as 2100. */
const mostDays = 3660;
/** More than clocks are ever set back. */
const overlap = 3 * hourMs;

/**
 * When the timetable runs next after a time; undefined: never. Of a timetable that names hours, a time that the clocks
 * skip runs when they are set forward, and one that they show twice runs the first time only. One that runs every hour has
 * nothing to make up for: it runs whenever the clocks show one of its minutes.
 */
export function nextRun(given: Timetable, after: Date): Date | undefined {
  // "0-23" is each hour as well.
  const timetable = given.hour?.size === 24 ? { ...given, hour: undefined } : given;
  const from = after.getTime();
  const local = localTime(timetable.zone, from);
  const start = timetable.hour === undefined ? local - overlap : local;
  const firstDay = Math.floor(start / dayMs) * dayMs;
  for (let n = 0; n < mostDays; n++) {
    const day = firstDay + n * dayMs;
    if (!isDay(timetable, new Date(day))) continue;
    const found = firstOfDay(timetable, day, { from, start });
    if (found !== undefined) return new Date(found);
  }
  return undefined;
}

/** As cron does: when both days of the month and days of the week are given, either suffices. */
function isDay({ dayOfMonth, month, dayOfWeek }: Timetable, day: Date): boolean {
  if (month && !month.has(day.getUTCMonth() + 1)) return false;
  const [inMonth, inWeek] = [dayOfMonth?.has(day.getUTCDate()), dayOfWeek?.has(day.getUTCDay())];
  if (inMonth === undefined || inWeek === undefined) return inMonth ?? inWeek ?? true;
  return inMonth || inWeek;
}

function firstOfDay(
  timetable: Timetable,
  day: number,
  { from, start }: { from: number; start: number },
): number | undefined {
  const { zone, minute, hour } = timetable;
  let best: number | undefined;
  let bound = Number.POSITIVE_INFINITY;
  const offset = offsetOfDay(zone, day);
  for (let h = 0; h < 24; h++) {
    if (hour && !hour.has(h)) continue;
    for (let m = 0; m < 60; m++) {
      const local = day + h * hourMs + m * minuteMs;
      if (local <= start || (minute && !minute.has(m))) continue;
      if (local > bound) return best;
      if (offset !== undefined) {
        if (local - offset > from) return local - offset;
        continue;
      }
      const instants = instantsOf(zone, local);
      const wanted = hour === undefined ? instants : [instants[0] ?? endOfGap(zone, local)];
      const found = wanted.find((instant) => instant > from);
      if (found === undefined || found >= (best ?? Number.POSITIVE_INFINITY)) continue;
      if (hour) return found;
      best = found;
      bound = local + overlap;
    }
  }
  return best;
}

/** Why a timetable never runs, and what to write; undefined if it does. */
export function explainNever(timetable: Timetable): string | undefined {
  if (nextRun(timetable, new Date(Date.UTC(2024, 0, 1))) !== undefined) return undefined;
  const { dayOfMonth = new Set(), month = new Set() } = timetable;
  const days = [...dayOfMonth].sort((a, b) => a - b).join(", ");
  const longest = Math.max(...[...month].map((one) => new Date(Date.UTC(2024, one, 0)).getUTCDate()));
  return `never runs: no month of those given (${[...month].join(", ")}) has a day ${days}; write a day up to ${longest}, or other months`;
}
