import type { Authorization } from "@multimaster/config";
import { isAboutAct, isAmong } from "./decide.ts";
import { nounOfTarget } from "./nouns.ts";
import type { Visitor } from "./visitor.ts";

/**
 * Whether this visitor may perform any action on the path, for some builder or owner. Checked before a large body is read;
 * the action in the body is checked afterwards anyway.
 */
export function mayDoAnything(authorization: Authorization, visitor: Visitor, path: readonly string[]): boolean {
  const noun = nounOfTarget(path);
  if (noun === undefined || visitor.readOnly) return false;
  const named = authorization.rules.flatMap(({ allow }) => allow);
  // One action that no rule names represents all of those.
  const actions = new Set<string>([...named.filter((name) => !["read", "control", "*"].includes(name)), "another"]);
  return [...actions].some((action) => mayDo(authorization, visitor, noun, action));
}

/** Whether this visitor may perform an action on a noun, for some builder or owner. */
export function mayDo({ rules, otherwise }: Authorization, visitor: Visitor, noun: string, action: string): boolean {
  for (const rule of rules) {
    if (!isAboutAct(rule, action, noun)) continue;
    // Some objects may be the visitor's own: an owner is an identity, never a name.
    const isOne = rule.to.includes("anyone") || isAmong(visitor, rule.to, visitor.identity);
    // A rule for some builders leaves the others to the next rule.
    if (isOne || rule.builders === undefined) return isOne;
  }
  return otherwise === "allow";
}
