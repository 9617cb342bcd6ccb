import { openTerminal, type Terminal } from "./terminal.ts";

const units = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
] as const;

/** A time in seconds: "3 min ago" or "in 2 h" for a terminal, and the exact time for a pipe. */
export function formatWhen(
  at: number,
  terminal: Pick<Terminal, "isTty"> = openTerminal(),
  now = Date.now() / 1000,
): string {
  if (!terminal.isTty) return new Date(at * 1000).toISOString().replace(".000Z", "Z");
  const seconds = Math.round(Math.abs(now - at));
  const [size, unit] = units.find(([size]) => seconds >= 2 * size) ?? [1, "s"];
  const rough = `${Math.floor(seconds / size)} ${unit}`;
  return at <= now ? `${rough} ago` : `in ${rough}`;
}
