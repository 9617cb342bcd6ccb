import type { Authorization, AuthorizationRule, UiSlice } from "@multimaster/config";
import { fitsGlob } from "@multimaster/core";
import type { Visitor } from "./visitor.ts";

/** The default rules: a cluster without a login is open; with one, anyone reads and users control. */
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

/** An action on a noun, with builders and owner if rules depend on them. */
export interface Question {
  readonly action: string;
  readonly noun: string;
  readonly builder?: string | undefined;
  readonly owner?: string | undefined;
}

/** Who may: everybody, or these; an empty list means no one. */
export type Allowed = "everybody" | AuthorizationRule["to"];

/** Decides by the first rule that matches. */
export function whoMay({ rules, otherwise }: Authorization, question: Question): Allowed {
  const rule = rules.find((each) => isAbout(each, question));
  if (!rule) return otherwise === "allow" && !namedNouns.has(question.noun) ? "everybody" : [];
  return rule.to.includes("anyone") ? "everybody" : rule.to;
}

/** Whether rules depend on the builder or owner, so that these must be known before deciding. */
export function needsSubject({ rules }: Authorization, action: string, noun: string): boolean {
  return rules.some(
    (rule) => isAboutAct(rule, action, noun) && (rule.builders !== undefined || rule.to.includes("owner")),
  );
}

/** `owner`: the identity of the user who requested the build, as stored by the server. */
export function isAmong(visitor: Visitor, allowed: Allowed, owner: string | undefined): boolean {
  if (allowed === "everybody") return true;
  return allowed.some((entry) => {
    if (entry === "users") return visitor.user !== undefined;
    if (entry === "owner") return visitor.user !== undefined && owner === visitor.identity;
    return entry.startsWith("role:") && visitor.roles.includes(entry.slice("role:".length));
  });
}

function isAbout(rule: AuthorizationRule, { action, noun, builder }: Question): boolean {
  if (!isAboutAct(rule, action, noun)) return false;
  return (
    rule.builders === undefined || (builder !== undefined && rule.builders.some((glob) => fitsGlob(builder, glob)))
  );
}

/**
 * Shown only to users who control the cluster, unless a rule names them: who did what, and what targets of reports answer, which
 * names hosts and mail addresses.
 */
const closedNouns: ReadonlySet<string> = new Set(["audit_entries", "reporters", "reports", "retention_runs"]);

/**
 * Only a rule that names them opens them, also where all control everything: an account shows its worker the secrets of
 * builders, and a try runs code that no one has seen.
 */
const namedNouns: ReadonlySet<string> = new Set(["worker_accounts", "tryschedulers"]);

/** Whether a rule matches this action on this noun, for any builder. */
export function isAboutAct({ allow, on }: AuthorizationRule, action: string, noun: string): boolean {
  const isNamed = (on as readonly string[]).includes(noun);
  if (closedNouns.has(noun) && action === "read" && !isNamed)
    return on.includes("*") && (allow.includes("*") || allow.includes("control"));
  if (namedNouns.has(noun) && !isNamed) return false;
  const isOn = on.includes("*") || (on as readonly string[]).includes(noun);
  const isAllowed =
    allow.includes("*") ||
    (allow as readonly string[]).includes(action) ||
    (action !== "read" && allow.includes("control"));
  return isOn && isAllowed;
}
