import { everOpen, type WeeklyHours } from "@multimaster/core";
import type { ConfigWarning } from "./config-warning.ts";

/** A function whose only expression is false, a text, or a refusal with a text. */
const arrow =
  /^(?:async\s*)?(?:\([^()]*\)|\w+)\s*=>\s*(?:\{\s*return\s)?\s*(?:false|"[^"]*"|'[^']*'|`[^`$]*`|\(?\{\s*refused:\s*(?:"[^"]*"|'[^']*'|`[^`$]*`)[^{}()]*\}\)?)\s*;?\s*\}?$/;
const named =
  /^(?:async\s*)?(?:function\s*\w*|\w+)\s*\([^()]*\)\s*\{\s*return\s+(?:false|"[^"]*"|'[^']*'|`[^`$]*`|\{\s*refused:\s*(?:"[^"]*"|'[^']*'|`[^`$]*`)[^{}()]*\})\s*;?\s*\}$/;

/** Whether a function can only refuse, as far as its text shows. */
export function alwaysRefuses(fn: unknown): boolean {
  if (typeof fn !== "function") return false;
  const text = fn.toString().trim();
  return text.length < 1000 && (arrow.test(text) || named.test(text));
}

/** Whether a function can only return nothing, as far as its text shows. */
export function returnsNothing(fn: unknown): boolean {
  return (
    typeof fn === "function" &&
    /^(?:(?:\([^()]*\)|\w+)\s*=>|(?:function\s*\w*|\w+)\s*\([^()]*\))\s*(?:undefined|null|void 0|\{\s*(?:return(?:\s+(?:undefined|null|void 0))?\s*;?\s*)?\})$/.test(
      fn.toString().trim(),
    )
  );
}

const refuses = (path: ConfigWarning["path"], what: string): ConfigWarning => ({
  path,
  sentence: `refuses everything: ${what}; return true where a build may start`,
});

/** Rules of a builder by which nothing ever starts. */
export function warningsOfStartRules(
  { name, canStart, nextWorker }: { readonly name: string; readonly canStart?: unknown; readonly nextWorker?: unknown },
  i: number,
): ConfigWarning[] {
  const found: ConfigWarning[] = [];
  if (alwaysRefuses(canStart)) found.push(refuses(["builders", i, "canStart"], `no request of "${name}" ever starts`));
  if (returnsNothing(nextWorker)) {
    const sentence = `chooses no worker: no request of "${name}" ever starts; return the name of one of the workers`;
    found.push({ path: ["builders", i, "nextWorker"], sentence });
  }
  return found;
}

/** A worker, or a latent worker, as far as rules of the config decide what it takes. */
export interface RuledWorker {
  readonly name: string;
  readonly accepts?: unknown;
  readonly hours?: WeeklyHours | undefined;
  readonly capacity?: number | undefined;
  readonly maxBuilds: number;
}

/** Workers of this list that take nothing, and limits without effect. */
export function warningsOfWorkerRules(workers: readonly RuledWorker[], list: "workers" | "latent"): ConfigWarning[] {
  return workers.flatMap((worker, i) => warnOfWorker(worker, [list, i]));
}

function warnOfWorker({ name, accepts, hours }: RuledWorker, path: readonly (string | number)[]): ConfigWarning[] {
  const found: ConfigWarning[] = [];
  if (hours !== undefined && !everOpen(hours))
    found.push({
      path: [...path, "hours"],
      sentence: `never opens: no build ever begins on "${name}"; add a time to "open"`,
    });
  if (alwaysRefuses(accepts)) found.push(refuses([...path, "accepts"], `no request is ever built on "${name}"`));
  return found;
}
