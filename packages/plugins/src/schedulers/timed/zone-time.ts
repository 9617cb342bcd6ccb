import { localTime } from "@multimaster/core";

export { localTime } from "@multimaster/core";

const minute = 60_000;
const day = 86_400_000;

const offsetAt = (zone: string, instant: number) => localTime(zone, instant) - Math.floor(instant / 1000) * 1000;

/** The instants at which a zone's clocks show a local time: two when they were set back over it, none when set forward. */
export function instantsOf(zone: string, local: number): number[] {
  const offsets = [offsetAt(zone, local - day), offsetAt(zone, local + day)] as const;
  if (offsets[0] === offsets[1]) return [local - offsets[0]];
  return offsets
    .map((offset) => local - offset)
    .filter((instant) => localTime(zone, instant) === local)
    .sort((a, b) => a - b);
}

/** The first instant at or after a local time that a zone's clocks skip: when they are set forward. */
export function endOfGap(zone: string, local: number): number {
  const before = offsetAt(zone, local - day);
  let [low, high] = [local - offsetAt(zone, local + day), local - before];
  while (high - low > minute) {
    const middle = low + Math.ceil((high - low) / 2 / minute) * minute;
    if (offsetAt(zone, middle) === before) low = middle;
    else high = middle;
    if (middle === high && high - low <= minute) break;
  }
  return high;
}
