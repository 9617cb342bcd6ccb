import { isSpecial, type ObjectValue, textsOf, type Value } from "./document.ts";
import type { Scope } from "./scope.ts";
import { type Code, type Entry, literal, object } from "./source-file.ts";
import { describe } from "./values.ts";

/** What each of Buildbot's matchers is about. */
const matchers: Readonly<Record<string, { readonly allow: string; readonly on: string }>> = {
  AnyEndpointMatcher: { allow: "*", on: "*" },
  AnyControlEndpointMatcher: { allow: "control", on: "*" },
  StopBuildEndpointMatcher: { allow: "stop", on: "builds" },
  ForceBuildEndpointMatcher: { allow: "force", on: "forceschedulers" },
  RebuildBuildEndpointMatcher: { allow: "rebuild", on: "builds" },
  EnableSchedulerEndpointMatcher: { allow: "enable", on: "schedulers" },
  ViewBuildsEndpointMatcher: { allow: "read", on: "builds" },
};

/** Who may do what. Buildbot allows what no rule matches. */
export function authorizationOf(value: Value | undefined, scope: Scope): Code | undefined {
  if (!isSpecial(value) || value.is !== "object" || value.base !== "Authz") return undefined;
  if (listOf(value.args["allowRules"]).length === 0) return undefined;
  const inner = scope.begin("authorization", value.at);
  const roles = rolesOf(value.args["roleMatchers"] ?? [], inner);
  const rules = listOf(value.args["allowRules"]).flatMap((rule) => ruleOf(rule, roles, inner));
  if (rules.length === 0) return undefined;
  const members = [...roles].filter(([, groups]) => groups !== undefined);
  return object([
    ["rules", { list: rules }],
    ["otherwise", literal("allow")],
    members.length === 0
      ? undefined
      : [
          "roles",
          object(
            members.map(
              ([name, groups]): Entry => [
                name,
                object(Object.entries(groups ?? {}).map(([key, list]): Entry => [key, literal(list)])),
              ],
            ),
          ),
        ],
  ]);
}

type Members = Readonly<Record<string, readonly string[]>>;

const listOf = (value: Value | undefined): readonly Value[] =>
  Array.isArray(value) ? (value as readonly Value[]) : [];

/** The members of roles; undefined for the role of an owner, which has none. */
function rolesOf(value: Value, scope: Scope): Map<string, Members | undefined> {
  const roles = new Map<string, Members | undefined>();
  const add = (role: string, key: string, names: readonly string[]) =>
    roles.set(role, { ...roles.get(role), [key]: [...(roles.get(role)?.[key] ?? []), ...names] });
  for (const matcher of listOf(value)) {
    if (!isSpecial(matcher) || matcher.is !== "object")
      scope.todo(`a matcher of roles is ${describe(matcher)}`, "write roles");
    else addRoles(matcher, add, roles, scope);
  }
  return roles;
}

function addRoles(
  { base, args, class: name }: ObjectValue,
  add: (role: string, key: string, names: readonly string[]) => void,
  roles: Map<string, Members | undefined>,
  scope: Scope,
): void {
  if (base === "RolesFromEmails" || base === "RolesFromDomain") {
    for (const [role, members] of Object.entries(args))
      add(role, base === "RolesFromEmails" ? "emails" : "domains", textsOf(members) ?? []);
  } else if (base === "RolesFromUsername") {
    const names = (textsOf(args["usernames"]) ?? []).map((user) => `user:${user}`);
    for (const role of textsOf(args["roles"]) ?? []) add(role, "usernames", names);
  } else if (base === "RolesFromOwner") {
    roles.set(textsOf(args["role"])?.[0] ?? "owner", undefined);
  } else if (base === "RolesFromGroups") {
    groupPrefixes.set(scope, textsOf(args["groupPrefix"])?.[0] ?? "");
  } else scope.todo(`the matcher of roles ${name} is not translated`, "write roles: docs/login.md");
}

/** Roles that are groups with a prefix: a rule names such a role, and the group is its member. */
const groupPrefixes = new WeakMap<Scope, string>();

function ruleOf(value: Value, roles: Map<string, Members | undefined>, scope: Scope): Code[] {
  if (!isSpecial(value) || value.is !== "object" || matchers[value.base] === undefined) {
    scope.todo(`a rule is ${describe(value)}`, "write it: docs/login.md");
    return [];
  }
  const { allow, on } = matchers[value.base] ?? { allow: "*", on: "*" };
  const role = textsOf(value.args["role"])?.[0] ?? "anyone";
  const prefix = groupPrefixes.get(scope);
  if (!roles.has(role) && prefix !== undefined) roles.set(role, { groups: [`${prefix}${role}`] });
  const isOwner = roles.has(role) && roles.get(role) === undefined;
  if (!roles.has(role)) {
    scope.todo(`no matcher gives the role ${role}`, "write its members under roles");
    roles.set(role, { usernames: [] });
  }
  const builder = textsOf(value.args["builder"])?.[0];
  if (value.args["defaultDeny"] === false)
    scope.note("rules with defaultDeny=False decide here, too", "check the order of the rules");
  if (isOwner && (allow === "*" || allow === "read")) {
    scope.todo(
      `the owner's rule ${value.class} is not translated`,
      'reading does not depend on the owner; allow "control"',
    );
    return [];
  }
  return [
    object([
      ["allow", literal(allow)],
      ["on", literal(on)],
      builder === undefined || allow === "enable" ? undefined : ["builders", literal([builder])],
      ["to", literal([isOwner ? "owner" : `role:${role}`])],
    ]),
  ];
}
