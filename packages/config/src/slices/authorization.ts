import { z } from "zod";

/** What rules can be about: the nouns of the API, and the messages by which masters tell each other what to do. */
const nouns = [
  "builders",
  "builds",
  "steps",
  "logs",
  "build_data",
  "test_result_sets",
  "buildrequests",
  "buildsets",
  "sourcestamps",
  "changes",
  "changesources",
  "schedulers",
  "forceschedulers",
  "workers",
  "masters",
  "orders",
  "projects",
  "codebases",
  "audit_entries",
  "control",
] as const;

/** What people do with them. */
const actions = [
  "read",
  "force",
  "stop",
  "rebuild",
  "cancel",
  "set_priority",
  "enable",
  "pause",
  "unpause",
  "kill",
  "drain",
  "undrain",
  "drop_role",
  "keep_role",
  "add_role",
  "add",
] as const;

const listOf = <const T extends readonly [string, ...string[]]>(words: T) =>
  z
    .union([z.enum(words), z.array(z.enum(words)).min(1)])
    .transform((value) => (Array.isArray(value) ? value : [value]) as T[number][]);

const who = z.union(
  [z.enum(["anyone", "users", "owner"]), z.templateLiteral(["role:", z.string().min(1)])],
  'must be "anyone", "users" (whoever is logged in), "owner" (of the build), or "role:NAME"',
);

const rule = z.strictObject({
  allow: listOf([...actions, "control", "*"]).describe('Actions; "control" is everything but "read", "*" everything.'),
  on: listOf([...nouns, "*"]).describe('What they are done with; "*" anything.'),
  builders: z
    .array(z.string())
    .optional()
    .describe("Only of builders with such names, * being any text; for builds, build requests and force schedulers."),
  to: z.array(who).describe("Who may; no one else may, and with an empty list no one."),
});

const role = z.strictObject({
  groups: z.array(z.string()).default([]),
  emails: z.array(z.string()).default([]),
  domains: z.array(z.string()).default([]).describe("Whoever has an e-mail address there."),
  usernames: z
    .array(z.string())
    .default([])
    .describe(
      'Users of these names, also written "user:NAME"; "token:NAME" is an API token, "id:ISSUER#ID" a provider\'s user.',
    ),
});

/** Who may do and see what. */
export const authorization = z
  .strictObject({
    rules: z.array(rule).describe("The first rule that is about an action and its object decides."),
    otherwise: z.enum(["allow", "deny"]).describe("What no rule is about."),
    roles: z.record(z.string(), role).default({}).describe("Roles by name: who has them."),
  })
  .superRefine(({ rules, roles }, ctx) => {
    for (const [i, { allow, builders, to }] of rules.entries()) {
      const complain = (key: string, message: string) =>
        ctx.addIssue({ code: "custom", path: ["rules", i, key], message });
      const reads = allow.includes("read") || allow.includes("*");
      if (reads && builders) complain("builders", 'reading cannot be told apart by builder; use "control" or actions');
      if (reads && to.includes("owner"))
        complain("to", 'reading knows no owner; give "read" a rule of its own, and the owner one with "control"');
      for (const entry of to) {
        const name = entry.startsWith("role:") ? entry.slice("role:".length) : undefined;
        if (name !== undefined && !Object.hasOwn(roles, name))
          complain("to", `no role "${name}" (have: ${Object.keys(roles).join(", ") || "none"})`);
      }
    }
  });

export type Authorization = z.output<typeof authorization>;
export type AuthorizationRule = Authorization["rules"][number];
