import type { Authorization } from "@multimaster/config";
import { isAboutAct, isAmong } from "./decide.ts";
import { nounOfTarget } from "./nouns.ts";
import type { Visitor } from "./visitor.ts";

/**
 * Whether there is any action on what the path names that this visitor may do, whichever builder or owner it is about. Asked
 * before a large body is read; what the body asks for is checked afterwards all the same.
 */
export function mayDoAnything(authorization: Authorization, visitor: Visitor, path: readonly string[]): boolean {
  const noun = nounOfTarget(path);
  if (noun === undefined || visitor.readOnly) return false;
  const named = authorization.rules.flatMap(({ allow }) => allow);
  // One that no rule names stands for all of those.
  const actions = new Set<string>([...named.filter((name) => !["read", "control", "*"].includes(name)), "another"]);
  return [...actions].some((action) => mayDo(authorization, visitor, noun, action));
}

function mayDo({ rules, otherwise }: Authorization, visitor: Visitor, noun: string, action: string): boolean {
  for (const rule of rules) {
    if (!isAboutAct(rule, action, noun)) continue;
    const isOne = rule.to.includes("anyone") || isAmong(visitor, rule.to, visitor.user?.username);
    // A rule of some builders leaves the others to the next one.
    if (isOne || rule.builders === undefined) return isOne;
  }
  return otherwise === "allow";
}
