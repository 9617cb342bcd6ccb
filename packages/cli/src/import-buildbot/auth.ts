import { asSpecial, entriesOf, isSpecial, type ObjectValue, type Value } from "./document.ts";
import { asVariable, type Scope } from "./scope.ts";
import { type Entry, object, print } from "./source-file.ts";

interface Login {
  readonly entries: readonly Entry[];
  readonly definitions: string[];
  /** Anyone can have an account. */
  readonly open: boolean;
}
const none: Login = { entries: [], definitions: [], open: false };

/** How users log in. */
export function authOf(value: Value | undefined, scope: Scope): Login {
  if (!isSpecial(value) || value.is !== "object" || value.base === "NoAuth") return none;
  const inner = scope.begin(`login ${value.class}`, value.at);
  switch (value.base) {
    case "UserPasswordAuth":
      return passwords(value, inner);
    case "GitHubAuth":
      return provider("auth/github", value, inner, {
        url: text(value.args["serverURL"]),
        teams: value.args["getTeamsMembership"] === true ? undefined : "false",
      });
    case "GoogleAuth":
      return provider("auth/google", value, inner, {});
    case "GitLabAuth":
      return provider("auth/gitlab", value, inner, { issuer: text(value.args["instanceUri"]) });
    case "BitbucketAuth":
      return provider("auth/bitbucket", value, inner, {});
    case "RemoteUserAuth": {
      const header = text(value.args["header"]);
      const entries: (Entry | undefined)[] = [header === undefined ? undefined : ["header", header]];
      inner.note("only proxies that trustedProxies names may set the header", "set TRUSTED_PROXIES: docs/login.md");
      const proxies: Entry = [
        "trustedProxies",
        `${scope.file.named("env")}("TRUSTED_PROXIES", "127.0.0.1").split(",")`,
      ];
      const auth: Entry = ["auth", { call: scope.file.plugin("auth/proxy-header"), args: [object(entries)] }];
      return { entries: [proxies, auth], definitions: [], open: false };
    }
    default:
      inner.todo(
        `the login ${value.class} is not translated; there is none, so only this machine can connect`,
        value.base === "HTPasswdAuth"
          ? "use password({ users }) with hashes of `master hash-password`"
          : "see docs/login.md",
      );
      return none;
  }
}

const text = (value: Value | undefined) => (typeof value === "string" ? JSON.stringify(value) : undefined);

function provider(
  to: string,
  { args }: ObjectValue,
  scope: Scope,
  more: Readonly<Record<string, string | undefined>>,
): Login {
  const secret = asSpecial(args["clientSecret"], "withheld");
  const entries: (Entry | undefined)[] = [
    ...Object.entries(more).map(([key, code]): Entry | undefined => (code === undefined ? undefined : [key, code])),
    ["clientId", text(args["clientId"]) ?? scope.fromEnvironment("LOGIN_CLIENT_ID", "the id of this client")],
    [
      "clientSecret",
      secret === undefined
        ? scope.fromEnvironment("LOGIN_CLIENT_SECRET", "the secret of this client")
        : scope.withheld(secret.id, "login_client_secret"),
    ],
  ];
  return { entries: [["auth", { call: scope.file.plugin(to), args: [object(entries)] }]], definitions: [], open: true };
}

/** Users with the hashes of their passwords, which are to be made: those without one cannot log in. */
function passwords({ args }: ObjectValue, scope: Scope): Login {
  const users = Object.keys(entriesOf(args["users"]) ?? {});
  for (const user of users)
    scope.note(
      `the password of ${user} is withheld`,
      `set ${variableOf(user)} to what \`master hash-password\` prints`,
    );
  const env = scope.file.named("env");
  const hashes = object(users.map((user) => [user, `${env}(${JSON.stringify(variableOf(user))})`]));
  const definitions = [
    `const hashes: Record<string, string | undefined> = ${print(hashes, "", 57)};`,
    "/** Those whose hash is set may log in. */\nconst users = Object.fromEntries(\n  Object.entries(hashes).flatMap(([name, password]) => (password === undefined ? [] : [[name, { password }]])),\n);",
  ];
  return { entries: [["auth", `${scope.file.plugin("auth/password")}({ users })`]], definitions, open: false };
}

const variableOf = (user: string) => `UI_${asVariable(user)}_PASSWORD_HASH`;
