type Line = Readonly<Record<string, unknown>>;

/** What stands in front of a line anyway, or says nothing to people. */
const placed = new Set(["time", "level", "msg", "service", "master", "err", "pid", "hostname"]);

/** A line of the log as people like it: time, level, who, what; then the fields, and an error's stack. */
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
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const text = [String(time), String(level).toUpperCase().padEnd(5), `[${who}]`, String(msg ?? ""), ...fields].join(
    " ",
  );
  const stack = (err as { stack?: unknown } | undefined)?.stack;
  return typeof stack === "string" ? `${text}\n${stack}\n` : `${text}\n`;
}
