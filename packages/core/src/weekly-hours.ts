import { z } from "zod";
import { isTimeZone, localTime } from "./zone-time.ts";

const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const minutesOfDay = 24 * 60;
const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Some days of the week, and from when to when on each: minutes since midnight. `to` at or before `from`: on the next day. */
interface Window {
  readonly days: readonly number[];
  readonly from: number;
  readonly to: number;
}

const dayText = /^(?:sun|mon|tue|wed|thu|fri|sat)$/;
const windowText = /^([a-z,-]*)(?:(?:^| )([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9]))?$/;

const minutesOf = (hours = "0", minutes = "0") => Number(hours) * 60 + Number(minutes);
const dayOf = (name: string) => dayNames.indexOf(name as (typeof dayNames)[number]);

/** Undefined: these are no days. */
function daysOf(list: string): number[] | undefined {
  if (list === "") return [0, 1, 2, 3, 4, 5, 6];
  const spans = list.split(",").map((part) => part.split("-"));
  if (!spans.every((span) => span.length <= 2 && span.every((name) => dayText.test(name)))) return undefined;
  return spans.flatMap(([first = "", last = first]) => {
    const length = ((dayOf(last) - dayOf(first) + 7) % 7) + 1;
    return Array.from({ length }, (_, i) => (dayOf(first) + i) % 7);
  });
}

/** "mon-fri 18:00-08:00", "sat,sun", "22:00-06:00"; undefined: it is none of these. */
function parseWindow(text: string): Window | undefined {
  const match = windowText.exec(text);
  if (!match || text === "") return undefined;
  const [, list = "", from, fromMinutes, to, toMinutes] = match;
  const days = daysOf(list);
  const end = minutesOf(to, toMinutes);
  if (days === undefined || end > minutesOfDay) return undefined;
  return from === undefined
    ? { days, from: 0, to: minutesOfDay }
    : { days, from: minutesOf(from, fromMinutes), to: end };
}

const wholeDay: Window = { days: [], from: 0, to: minutesOfDay };

/** How long a window lasts, in minutes; 0: it never opens, since it ends when it begins. */
const lengthOf = ({ from, to }: Window) => (to >= from ? to - from : to + minutesOfDay - from);

/** Weekly times in a time zone, as a config has them. */
export const weeklyHours = z.strictObject({
  zone: z
    .string()
    .refine(isTimeZone, 'must be the name of a time zone, such as "Europe/Berlin"')
    .default("UTC")
    .describe("The time zone of these times."),
  open: z
    .array(
      z
        .string()
        .refine(
          (text) => parseWindow(text) !== undefined,
          'must be days, times or both, such as "mon-fri 18:00-08:00", "sat,sun" or "22:00-06:00"',
        )
        .refine(
          (text) => lengthOf(parseWindow(text) ?? wholeDay) > 0,
          'never opens: it ends when it begins; write "00:00-24:00" for the whole day',
        ),
    )
    .describe('Such as "mon-fri 18:00-08:00", "sat,sun" or "22:00-06:00"; an end before its begin is on the next day.'),
});

export type WeeklyHours = z.output<typeof weeklyHours>;

/** Whether they are ever open. */
export function everOpen({ open }: WeeklyHours): boolean {
  return open.some((text) => lengthOf(parseWindow(text) ?? { days: [], from: 0, to: 0 }) > 0);
}

/**
 * When these hours open next, in milliseconds since 1970; null: they are open now. Hours that never open answer with a time
 * that is far away. Clocks that are set forward or back move what follows with them.
 */
export function nextOpening({ zone, open }: WeeklyHours, now: number): number | null {
  const local = localTime(zone, now);
  const midnight = Math.floor(local / dayMs) * dayMs;
  let next = Number.POSITIVE_INFINITY;
  for (const window of open.flatMap((text) => parseWindow(text) ?? [])) {
    const minutes = lengthOf(window);
    if (minutes === 0) continue;
    // One that began yesterday may still be open; the latest begins a week from now.
    for (let day = -1; day <= 7; day += 1) {
      const begin = midnight + day * dayMs + window.from * minuteMs;
      if (!window.days.includes(new Date(begin).getUTCDay())) continue;
      if (begin <= local && local < begin + minutes * minuteMs) return null;
      if (begin > local) next = Math.min(next, begin);
    }
  }
  if (next === Number.POSITIVE_INFINITY) return now + 365 * dayMs;
  const guess = now + (next - local);
  return guess + (next - localTime(zone, guess));
}

/** The same for placement, in seconds since 1970; null also without hours. */
export function closedUntilOf(hours: WeeklyHours | undefined, now: number): number | null {
  const opening = hours && nextOpening(hours, now);
  return opening === undefined || opening === null ? null : opening / 1000;
}
