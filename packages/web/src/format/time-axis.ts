const minute = 60;
const hour = 3600;
const day = 24 * hour;
/** Seconds between marks that a reader takes for round. */
const steps = [
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
];
const mostMarks = 8;

export interface AxisMark {
  readonly at: number;
  /** From the left, 0 to 1. */
  readonly part: number;
}

/** Marks at round local times, few enough to be read; `offset` is what local time is ahead of UTC, in seconds. */
export function roundMarks(from: number, span: number, offset: number): AxisMark[] {
  const step = steps.find((each) => span / each <= mostMarks) ?? day;
  const first = Math.ceil((from + offset) / step) * step - offset;
  const marks: AxisMark[] = [];
  // One that the word "now" would cover is left out.
  for (let at = first; at <= from + 0.88 * span; at += step) marks.push({ at, part: (at - from) / span });
  return marks;
}
