import { authOf } from "./auth.ts";
import { authorizationOf } from "./authorization.ts";
import { asSpecial, type BuildbotDocument, entriesOf, isSpecial, textsOf, type Value } from "./document.ts";
import type { Scope } from "./scope.ts";
import { type Code, type Entry, literal, object } from "./source-file.ts";
import { describe } from "./values.ts";
import { portOf } from "./write-workers.ts";

/** The pages, hooks and logins. The second text comes before the slice. */
export function uiSlice(
  document: BuildbotDocument,
  scope: Scope,
): { readonly code: Code; readonly definitions: string[] } {
  const { settings } = document;
  const www = entriesOf(settings["www"]) ?? {};
  const file = scope.file;
  const title = settings["title"];
  const login = authOf(www["auth"], scope);
  const authorization =
    authorizationOf(www["authz"], scope) ?? (login.open ? closed(scope.begin("authorization", undefined)) : undefined);
  const hooks = hooksOf(www["change_hook_dialects"], scope);
  const plugins = Object.keys(entriesOf(www["plugins"]) ?? {}).filter((name) => !pagesThatAreHere.has(name));
  if (plugins.length > 0)
    scope.note(
      `pages of the plugins ${plugins.join(", ")} are not here`,
      'the pages are ours; app: "buildbot" hosts Buildbot\'s',
    );
  const entries: (Entry | undefined)[] = [
    [
      "host",
      `${file.named("env")}("UI_HOST", "127.0.0.1")`,
      "Put a proxy with TLS in front of it, and read docs/security.md before others can connect.",
    ],
    ["port", `${file.named("envPort")}("UI_PORT", ${portOf(www["port"]) ?? 8010})`],
    typeof title === "string" ? ["title", literal(title)] : undefined,
    texts(www["allowed_origins"]),
    typeof www["cookie_expiration_time"] === "number"
      ? ["sessionLifetime", literal(www["cookie_expiration_time"])]
      : undefined,
    ["hooks", { list: hooks }],
    hooks.some((hook) => typeof hook !== "string" && "call" in hook && ["base", "poller"].includes(hook.call))
      ? [
          "changeHookAuth",
          object([
            ["user", literal("change")],
            [
              "password",
              scope.fromEnvironment("CHANGE_HOOK_PASSWORD", "the password of hooks whose requests have no signature"),
            ],
          ]),
        ]
      : undefined,
    ...login.entries,
    authorization === undefined ? undefined : ["authorization", authorization],
  ];
  return { code: { call: file.named("defineUi"), args: [object(entries)] }, definitions: login.definitions };
}

function texts(origins: Value | undefined): Entry | undefined {
  const list = textsOf(origins ?? null) ?? [];
  return list.length === 0 ? undefined : ["allowedOrigins", literal(list)];
}

/** Anyone has an account at a provider: with no rules of the farm's own, such users only read. */
function closed(scope: Scope): Code {
  scope.todo(
    "everyone who has an account at the provider of logins could control the builds; here they only read",
    "write who may control them: docs/login.md",
  );
  const reading = object([
    ["allow", literal("read")],
    ["on", literal("*")],
    ["to", literal(["anyone"])],
  ]);
  return object([
    ["rules", { list: [reading] }],
    ["otherwise", literal("deny")],
  ]);
}

const pagesThatAreHere = new Set([
  "waterfall_view",
  "console_view",
  "grid_view",
  "badges",
  "wsgi_dashboards",
  "base_react",
]);

/** What becomes of the options of a forge's hook. */
const hookOptions: Readonly<Record<string, string>> = {
  secret: "secret",
  strict: "strict",
  codebase: "codebase",
  token: "token",
  github_property_whitelist: "propertyWhitelist",
  pullrequest_ref: "pullRequestRef",
  onlyIncludePushCommit: "onlyIncludePushCommit",
};

function hooksOf(value: Value | undefined, scope: Scope): Code[] {
  return Object.entries(entriesOf(value) ?? {}).flatMap(([dialect, given]): Code[] => {
    const inner = scope.begin(`hook ${JSON.stringify(dialect)}`, undefined);
    if (!["base", "github", "gitlab", "gitea", "bitbucketcloud", "bitbucketserver", "poller"].includes(dialect)) {
      inner.todo("there is no such hook", "write one: docs/extending.md#a-hook");
      return [];
    }
    if (given === false) return [];
    const entries = Object.entries(entriesOf(given) ?? {}).flatMap(([name, option]) =>
      hookOption(dialect, name, option, inner),
    );
    const call = scope.file.plugin(`hooks/${dialect}`);
    const isSigned = entries.some(([key]) => key === "secret");
    if (isSigned) return [{ call, args: [object(entries)] }];
    if (["base", "poller"].includes(dialect)) {
      inner.note(
        "its requests need the name and the password of changeHookAuth",
        "docs/webhooks.md says how to send them",
      );
      return [{ call, args: [object(entries)] }];
    }
    const password = inner.fromEnvironment(
      `${dialect.toUpperCase()}_HOOK_SECRET`,
      "a secret that its requests have to know",
    );
    return [{ call, args: [object([["secret", password], ...entries])] }];
  });
}

function hookOption(dialect: string, name: string, value: Value, scope: Scope): Entry[] {
  const secret = asSpecial(value, "withheld");
  const ours = hookOptions[name];
  if (secret !== undefined && ours !== undefined) return [[ours, scope.withheld(secret.id, `${dialect}_hook_${name}`)]];
  const asked = asSpecial(value, "secret");
  if (asked !== undefined && ours !== undefined)
    return [
      [ours, scope.fromEnvironment(`${dialect}_HOOK_${name}`.toUpperCase(), "a secret of Buildbot's secret providers")],
    ];
  if (value === null) return [];
  if (ours !== undefined && !isSpecial(value)) return [[ours, literal(value)]];
  if (name === "class") scope.todo(`its class is ${describe(value)}`, "write transform: docs/webhooks.md");
  else if (!["verify", "debug"].includes(name))
    scope.todo(`its option ${name} is not translated`, "see docs/reference/hooks.md");
  return [];
}
