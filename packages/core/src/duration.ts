import { z } from "zod";

const seconds = 'must be seconds, or a text like "90s", "10m", "2h"';
const notNegative = "must not be negative";

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * A length of time in a config: a number of seconds, or text such as "500ms", "90s", "10m", "2h", "1d".
 * Parses to milliseconds.
 */
export const duration = z
  .union([z.number().nonnegative(notNegative), z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, seconds)], {
    error: seconds,
  })
  .transform((value) => {
    if (typeof value === "number") return value * 1000;
    const [, amount, unit] = /^([\d.]+)(ms|s|m|h|d)$/.exec(value) as unknown as [string, string, keyof typeof units];
    return Number(amount) * units[unit];
  });

/** A duration that is not 0, and no longer than timers can wait. */
export const positiveDuration = duration.refine(
  (ms) => ms > 0 && ms <= 7 * units.d,
  'must be longer than 0, and at most "7d"',
);

/** What a config author may write as a duration. */
export type Duration = z.input<typeof duration>;

/** A duration as a config author writes it, in the largest unit in which it is a whole number. */
export function formatDuration(ms: number): string {
  const unit = (["d", "h", "m", "s"] as const).find((one) => ms >= units[one] && ms % units[one] === 0) ?? "ms";
  return `${ms / units[unit]}${unit}`;
}
