/** Times of day in a time zone. A local time is written as milliseconds, as if it were UTC. */

const minute = 60_000;
const day = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const two = "2-digit";
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: two,
    day: two,
    hour: two,
    minute: two,
    second: two,
  });
  formats.set(zone, format);
  return format;
}

/** Whether the name is one of a time zone, such as "Europe/Berlin". */
export function isTimeZone(zone: string): boolean {
  try {
    return formatOf(zone) !== undefined;
  } catch {
    return false;
  }
}

/** The local time in a zone at an instant. */
export function localTime(zone: string, instant: number): number {
  if (zone === "UTC") return instant;
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day: date = 1, hour = 0, minute: min = 0, second = 0 } = parts as Record<string, number>;
  return Date.UTC(year, month - 1, date, hour, min, second);
}

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
