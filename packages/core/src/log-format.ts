type Line = Readonly<Record<string, unknown>>;

/** Fields that the line shows elsewhere, or that mean nothing to people. */
const placed = new Set(["time", "level", "msg", "service", "master", "err", "pid", "hostname"]);

/** A log line for people: time, level, subject, message; then the fields, and an error's stack. */
export function prettyLine(json: string): string {
  let line: Line;
  try {
    line = JSON.parse(json) as Line;
  } catch {
    return json;
  }
  const { time, level, msg, service, master, err } = line;
  const who = [master, service].filter((part) => part !== undefined).join(" ");
  const fields = Object.entries(line)
    .filter(([name]) => !placed.has(name))
    .map(([name, value]) => `${plain(name)}=${plain(typeof value === "string" ? value : JSON.stringify(value))}`);
  const said = plain(String(msg ?? ""));
  const text = [
    plain(String(time)),
    plain(String(level)).toUpperCase().padEnd(5),
    `[${plain(who)}]`,
    said,
    ...fields,
  ].join(" ");
  const stack = (err as { stack?: unknown } | undefined)?.stack;
  return typeof stack === "string" ? `${text}\n${stack.split("\n").map(plain).join("\n")}\n` : `${text}\n`;
}

/**
 * Replaces control characters in text from outside (user names, branches, addresses): it must neither move the terminal's
 * cursor nor imitate a log line of ours.
 */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
  });
}
