import { z } from "zod";

/** The objects of rules: the nouns of the API, and the control messages between masters. */
const nouns = [
  "builders",
  "builder_lines",
  "builds",
  "steps",
  "logs",
  "build_data",
  "artifacts",
  "test_result_sets",
  "buildrequests",
  "buildsets",
  "sourcestamps",
  "changes",
  "changesources",
  "schedulers",
  "forceschedulers",
  "tryschedulers",
  "workers",
  "worker_accounts",
  "workerinstances",
  "locks",
  "lock_holds",
  "masters",
  "orders",
  "projects",
  "codebases",
  "reporters",
  "reports",
  "notes",
  "audit_entries",
  "retention_runs",
  "control",
] as const;

/** The actions of rules. */
const actions = [
  "read",
  "force",
  "stop",
  "rebuild",
  "keep",
  "release",
  "cancel",
  "approve",
  "reject",
  "set_priority",
  "enable",
  "pause",
  "unpause",
  "note",
  "comment",
  "take",
  "mute",
  "withdraw",
  "kill",
  "drain",
  "undrain",
  "reconfig",
  "drop_role",
  "keep_role",
  "add_role",
  "add",
  "revoke",
  "break",
  "destroy",
  "try",
  "retry",
] as const;

const listOf = <const T extends readonly [string, ...string[]]>(words: T) =>
  z
    .union([z.enum(words), z.array(z.enum(words)).min(1)])
    .transform((value) => (Array.isArray(value) ? value : [value]) as T[number][]);

const who = z.union(
  [z.enum(["anyone", "users", "owner"]), z.templateLiteral(["role:", z.string().min(1)])],
  'must be "anyone", "users" (anyone logged in), "owner" (of the build), or "role:NAME"',
);

const rule = z.strictObject({
  allow: listOf([...actions, "control", "*"]).describe('Actions; "control" is all but "read", "*" is all.'),
  on: listOf([...nouns, "*"]).describe('The objects of the actions; "*" is all.'),
  builders: z
    .array(z.string())
    .optional()
    .describe(
      "Only objects of builders with such names, * matching any text; for builds, build requests, force schedulers and try schedulers.",
    ),
  to: z.array(who).describe("The users who may do it; with an empty list no one may."),
});

const role = z.strictObject({
  groups: z.array(z.string()).default([]),
  emails: z.array(z.string()).default([]),
  domains: z.array(z.string()).default([]).describe("Users with an e-mail address of these domains."),
  usernames: z
    .array(z.string())
    .default([])
    .describe(
      'Users of these names, also written "user:NAME"; "token:NAME" is an API token, "id:ISSUER#ID" a provider\'s user.',
    ),
});

/** Rules about which users may read and control what. */
export const authorization = z
  .strictObject({
    rules: z.array(rule).describe("The first rule that matches an action and its object decides."),
    otherwise: z.enum(["allow", "deny"]).describe("The decision if no rule matches."),
    roles: z.record(z.string(), role).default({}).describe("Roles by name, with their members."),
  })
  .superRefine(({ rules, roles }, ctx) => {
    for (const [i, { allow, builders, to }] of rules.entries()) {
      const complain = (key: string, message: string) =>
        ctx.addIssue({ code: "custom", path: ["rules", i, key], message });
      const reads = allow.includes("read") || allow.includes("*");
      if (reads && builders) complain("builders", 'reading cannot be restricted by builder; use "control" or actions');
      if (reads && to.includes("owner"))
        complain(
          "to",
          'reading does not depend on the owner; write one rule for "read", and another for the owner with "control"',
        );
      for (const entry of to) {
        const name = entry.startsWith("role:") ? entry.slice("role:".length) : undefined;
        if (name !== undefined && !Object.hasOwn(roles, name))
          complain("to", `no role "${name}" (have: ${Object.keys(roles).join(", ") || "none"})`);
      }
    }
  });

export type Authorization = z.output<typeof authorization>;
export type AuthorizationRule = Authorization["rules"][number];
