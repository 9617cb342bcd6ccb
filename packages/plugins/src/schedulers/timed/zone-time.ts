import { localTime } from "@multimaster/core";

export { localTime } from "@multimaster/core";

const minute = 60_000;
const day = 86_400_000;

/** Offsets that were asked for, by zone: a time zone's rules are slow to ask, and one night is asked about many times. */
const known = new Map<string, Map<number, number>>();
const mostKnown = 10_000;

function offsetAt(zone: string, instant: number): number {
  let ofZone = known.get(zone);
  if (!ofZone || ofZone.size >= mostKnown) known.set(zone, (ofZone = new Map()));
  let offset = ofZone.get(instant);
  if (offset === undefined) {
    offset = localTime(zone, instant) - Math.floor(instant / 1000) * 1000;
    ofZone.set(instant, offset);
  }
  return offset;
}

/** The offset of all local times of a day, which begins at `start`; undefined: clocks are set on it, or the day before or after. */
export function offsetOfDay(zone: string, start: number): number | undefined {
  const offset = offsetAt(zone, start - day);
  return offset === offsetAt(zone, start + 2 * day) ? offset : undefined;
}

/** The instants at which a zone's clocks show a local time: two when they were set back over it, none when set forward. */
export function instantsOf(zone: string, local: number): number[] {
  const offsets = [offsetAt(zone, local - day), offsetAt(zone, local + day)] as const;
  if (offsets[0] === offsets[1]) return [local - offsets[0]];
  return offsets
    .map((offset) => local - offset)
    .filter((instant) => instant + offsetAt(zone, instant) === local)
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
