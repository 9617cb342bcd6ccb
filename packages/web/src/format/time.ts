const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** "2:05", "1:02:03"; below ten seconds as "4 s". */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 10) return `${whole} s`;
  return whole >= 2 * day ? `${Math.floor(whole / day)} days` : formatClock(whole);
}

/** "0:04", "2:05", "1:02:03". */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < hour) return `${Math.floor(whole / minute)}:${two(whole % minute)}`;
  return `${Math.floor(whole / hour)}:${two(Math.floor((whole % hour) / minute))}:${two(whole % minute)}`;
}

/** "just now", "3 min ago", "2 days ago"; a future time as "in 3 min". */
export function formatAgo(at: number, now: number): string {
  const seconds = Math.round(now - at);
  const size = Math.abs(seconds);
  if (size < 10) return "just now";
  const text = formatRough(size);
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

/** A length of time in one word and one number: "40 s", "3 min", "5 h", "2 days". */
export function formatRough(seconds: number): string {
  const size = Math.max(0, Math.round(seconds));
  if (size < minute) return `${size} s`;
  if (size < hour) return `${Math.floor(size / minute)} min`;
  if (size < 2 * day) return `${Math.floor(size / hour)} h`;
  return `${Math.floor(size / day)} days`;
}

/** The exact time in the time zone of the browser. */
export function formatExact(at: number): string {
  return new Date(at * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** The median; undefined without values. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
