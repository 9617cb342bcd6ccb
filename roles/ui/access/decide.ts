import type { Authorization, AuthorizationRule, UiSlice } from "@multimaster/config";
import { fitsGlob } from "@multimaster/core";
import type { Visitor } from "./visitor.ts";

/** Without rules: a cluster without a login is open, with one everybody reads and users control. */
export function rulesOf({ auth, authorization }: Pick<UiSlice, "auth" | "authorization">): Authorization {
  if (authorization) return authorization;
  if (auth === undefined || auth.plugin.type === "none") return { rules: [], otherwise: "allow", roles: {} };
  return {
    rules: [
      { allow: ["read"], on: ["*"], to: ["anyone"] },
      { allow: ["control"], on: ["*"], to: ["users"] },
    ],
    otherwise: "deny",
    roles: {},
  };
}

/** What is asked: an action on a noun, as far as builders and an owner come into it. */
export interface Question {
  readonly action: string;
  readonly noun: string;
  readonly builder?: string | undefined;
  readonly owner?: string | undefined;
}

/** Who may: everybody, or those; an empty list is nobody. */
export type Allowed = "everybody" | AuthorizationRule["to"];

/** The first rule that is about it decides. */
export function whoMay({ rules, otherwise }: Authorization, question: Question): Allowed {
  const rule = rules.find((each) => isAbout(each, question));
  if (!rule) return otherwise === "allow" ? "everybody" : [];
  return rule.to.includes("anyone") ? "everybody" : rule.to;
}

/** Whether the rules tell builds apart by builder or owner, so that these have to be known first. */
export function needsSubject({ rules }: Authorization, action: string, noun: string): boolean {
  return rules.some(
    (rule) => isAboutAct(rule, action, noun) && (rule.builders !== undefined || rule.to.includes("owner")),
  );
}

export function isAmong(visitor: Visitor, allowed: Allowed, owner: string | undefined): boolean {
  if (allowed === "everybody") return true;
  return allowed.some((entry) => {
    if (entry === "users") return visitor.user !== undefined;
    if (entry === "owner") return isOwner(visitor, owner);
    return entry.startsWith("role:") && visitor.roles.includes(entry.slice("role:".length));
  });
}

function isOwner({ user }: Visitor, owner: string | undefined): boolean {
  if (user === undefined || owner === undefined || owner === "") return false;
  return owner === user.username || (user.email !== null && owner.toLowerCase() === user.email.toLowerCase());
}

function isAbout(rule: AuthorizationRule, { action, noun, builder }: Question): boolean {
  if (!isAboutAct(rule, action, noun)) return false;
  return (
    rule.builders === undefined || (builder !== undefined && rule.builders.some((glob) => fitsGlob(builder, glob)))
  );
}

function isAboutAct({ allow, on }: AuthorizationRule, action: string, noun: string): boolean {
  const isOn = on.includes("*") || (on as readonly string[]).includes(noun);
  const isAllowed =
    allow.includes("*") ||
    (allow as readonly string[]).includes(action) ||
    (action !== "read" && allow.includes("control"));
  return isOn && isAllowed;
}
