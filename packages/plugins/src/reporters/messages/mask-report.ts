import type { Report } from "../../report.ts";

/** Shorter texts are parts of words. */
const shortest = 5;
/** Names and addresses say where a report goes: only what can be nothing but a secret is hidden in them. */
const shortestInNames = 16;
const names: ReadonlySet<string> = new Set(["sources", "requestProperties", "builder", "builders", "codebase"]);

type Mask = (text: string) => string;

/** The same report without these secrets: in states, properties, log lines, steps, tests, changes and addresses. */
export function maskReport(report: Report, secrets: readonly string[]): Report {
  const wanted = [...new Set(secrets)].filter(({ length }) => length >= shortest).sort((a, b) => b.length - a.length);
  if (wanted.length === 0) return report;
  const mask = maskOf(wanted);
  const inNames = maskOf(wanted.filter(({ length }) => length >= shortestInNames));
  const hide = <T>(value: T) => maskAll(value, mask, inNames) as T;
  const { url, details, changes, logTail, event, at, ...about } = report;
  return {
    ...hide(about),
    event,
    at,
    url,
    details: async () => hide(await details()),
    changes: async () => hide(await changes()),
    logTail: async (logid, lines) => mask(await logTail(logid, lines)),
  };
}

const maskOf =
  (secrets: readonly string[]): Mask =>
  (text) =>
    secrets.reduce((masked, secret) => masked.replaceAll(secret, "…"), text);

function maskAll(value: unknown, mask: Mask, inNames: Mask): unknown {
  if (typeof value === "string") return mask(value);
  if (Array.isArray(value)) return value.map((one) => maskAll(one, mask, inNames));
  if (typeof value !== "object" || value === null) return value;
  const masked = Object.entries(value).map(([name, one]) => [
    name,
    // The names of properties are anyone's.
    name === "properties" ? maskAll(one, mask, mask) : maskAll(one, names.has(name) ? inNames : mask, inNames),
  ]);
  return Object.fromEntries(masked);
}
