import { showSafely } from "./show-safely.ts";

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
  const secret = pathname.length >= shortestPath ? [pathname, pathname.slice(1)] : [];
  return [...secret, ...piecesOf(new URL(text)), search, username, password].filter((part) => part !== "");
}

/** So long are the parts of a webhook's address that are secrets by themselves; shorter ones, if they are no words. */
const shortestPart = 16;
const isSecretPart = (part: string): boolean =>
  part.length >= shortestPart || (part.length >= 8 && /\d/.test(part) && /[a-z]/i.test(part));

/** The parts of an address that cannot be guessed: a server may say one of them alone, as it stands in the address or as it means it. */
function piecesOf({ pathname, searchParams }: URL): string[] {
  const inQuery = [...searchParams].flatMap(([name, value]) =>
    isSecretPart(value) || secretNames.test(name) ? [value] : [],
  );
  const inPath = pathname.split("/").filter(isSecretPart);
  return [...inPath, ...inPath.map(decode), ...inQuery];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The texts of a webhook's address by which others could write there: whole, its path, and what in it cannot be guessed. */
export function webhookSecrets(url: string): string[] {
  const { pathname, search } = new URL(url);
  const path = pathname.slice(1);
  const isPath = path.includes("/") || path.length >= shortestPart;
  const parts = piecesOf(new URL(url));
  const whole = isPath ? [`${pathname}${search}`, pathname, path] : [];
  return [...new Set([url, ...whole, ...parts])].sort((a, b) => b.length - a.length);
}

/** What an operator reads of a failure: one line of bounded length, without the secrets. */
export function describeProblem(problem: string, secrets: readonly string[]): string {
  const masked = secrets
    .reduce((text, secret) => text.replaceAll(secret, "…"), showSafely(problem))
    .replace(/\b(Bearer|Basic) +[\w+/=.~-]{8,}/gi, "$1 …")
    .trim()
    .replaceAll(/\s+/g, " ");
  return masked.length <= longestProblem ? masked : `${masked.slice(0, longestProblem - 1)}…`;
}
