import type { ConfigWarning } from "./config-warning.ts";

/** A function whose only expression is false, a text, or a refusal with a text. */
const arrow =
  /^(?:async\s*)?(?:\([^()]*\)|\w+)\s*=>\s*(?:\{\s*return\s)?\s*(?:false|"[^"]*"|'[^']*'|\(?\{\s*refused:\s*(?:"[^"]*"|'[^']*')[^{}()]*\}\)?)\s*;?\s*\}?$/;
const named =
  /^(?:async\s*)?(?:function\s*\w*|\w+)\s*\([^()]*\)\s*\{\s*return\s+(?:false|"[^"]*"|'[^']*'|\{\s*refused:\s*(?:"[^"]*"|'[^']*')[^{}()]*\})\s*;?\s*\}$/;

/** Whether a function can only refuse, as far as its text shows. */
export function alwaysRefuses(fn: unknown): boolean {
  if (typeof fn !== "function") return false;
  const text = fn.toString().trim();
  return text.length < 1000 && (arrow.test(text) || named.test(text));
}

const refuses = (path: ConfigWarning["path"], what: string): ConfigWarning => ({
  path,
  sentence: `refuses everything: ${what}; return true where a build may start`,
});

/** Rules of a builder by which nothing ever starts. */
export function warningsOfStartRules(
  { name, canStart }: { readonly name: string; readonly canStart?: unknown },
  i: number,
): ConfigWarning[] {
  if (!alwaysRefuses(canStart)) return [];
  return [refuses(["builders", i, "canStart"], `no request of "${name}" ever starts`)];
}

/** Workers that take nothing. */
export function warningsOfAccepts(
  workers: readonly { readonly name: string; readonly accepts?: unknown }[],
): ConfigWarning[] {
  return workers.flatMap(({ name, accepts }, i) =>
    alwaysRefuses(accepts) ? [refuses(["workers", i, "accepts"], `no request is ever built on "${name}"`)] : [],
  );
}
