/** Longest problem that rows, logs and pages have. */
const longestProblem = 1000;
/** A shorter text may well be an innocent word. */
const shortest = 4;
/** The path of an address that is shorter than this is that of an API, and not the secret of a webhook. */
const shortestPath = 16;

const secretNames = /token|secret|passw|private|credential|authorization|^key$|apikey/i;

/** The texts in a reporter's options that must not show: tokens, passwords, keys, headers, and the paths of webhooks. */
export function secretsOf(options: unknown): string[] {
  const found = new Set<string>();
  collect(options, "", found);
  const { user, email, password, key } = (options ?? {}) as Record<string, unknown>;
  const login = user ?? email;
  const proof = password ?? key;
  // As it stands in a header.
  if (typeof login === "string" && typeof proof === "string")
    found.add(Buffer.from(`${login}:${proof}`).toString("base64"));
  const forms = [...found].flatMap((text) => [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1)]);
  // The longest first: a part of it must not be hidden before the whole.
  return [...new Set(forms)].filter((text) => text.length >= shortest).sort((a, b) => b.length - a.length);
}

function collect(value: unknown, name: string, found: Set<string>): void {
  if (typeof value === "string") {
    if (secretNames.test(name)) found.add(value);
    else if (/url$/i.test(name)) for (const part of partsOfUrl(value)) found.add(part);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, one] of Object.entries(value)) collect(one, name === "headers" ? "secret" : key, found);
}

function partsOfUrl(text: string): string[] {
  if (!URL.canParse(text)) return [];
  const { username, password, pathname, search } = new URL(text);
  const secret = pathname.length >= shortestPath ? [pathname] : [];
  return [...secret, search, username, password].filter((part) => part !== "");
}

/** So long are the parts of a webhook's address that are secrets by themselves. */
const shortestPart = 16;

/** The texts of a webhook's address by which others could write there: whole, its path, and what in it cannot be guessed. */
export function webhookSecrets(url: string): string[] {
  const { pathname, search, searchParams } = new URL(url);
  const path = pathname.slice(1);
  const isPath = path.includes("/") || path.length >= shortestPart;
  const parts = [...path.split("/"), ...searchParams.values()].filter((part) => part.length >= shortestPart);
  const whole = isPath ? [`${pathname}${search}`, pathname, path] : [];
  return [...new Set([url, ...whole, ...parts])].sort((a, b) => b.length - a.length);
}

/** What an operator reads of a failure: one line of bounded length, without the secrets. */
export function describeProblem(problem: string, secrets: readonly string[]): string {
  const masked = secrets
    .reduce((text, secret) => text.replaceAll(secret, "…"), problem)
    .replace(/\b(Bearer|Basic) +[\w+/=.~-]{8,}/gi, "$1 …")
    .trim()
    .replaceAll(/\s+/g, " ");
  return masked.length <= longestProblem ? masked : `${masked.slice(0, longestProblem - 1)}…`;
}
