import { entriesOf, type Value } from "../document.ts";
import { differs, flag, lost, plain, type Rule, same, seconds, text, wishOf } from "../rules.ts";
import { type Entry, literal, object } from "../source-file.ts";
import { translate } from "../values.ts";
import { type ClassMapping, ignored, type Mappings } from "./class-mapping.ts";
import { programOptions } from "./programs.ts";

/** (delay, times) */
const retry: Rule = (value, scope) => {
  const [delay, times] = Array.isArray(value) ? (value as readonly Value[]) : [];
  return typeof delay === "number" && typeof times === "number"
    ? [
        [
          "retry",
          object([
            ["delay", literal(delay)],
            ["times", literal(times)],
          ]),
        ],
      ]
    : lost("write retry: { delay, times }")(value, scope, {}, "retry");
};

/** (user, password) */
const credentials: Rule = (value, scope) => {
  const [user, password] = Array.isArray(value) ? (value as readonly Value[]) : [];
  if (user === undefined || password === undefined) return [];
  return [
    [
      "credentials",
      object([
        ["username", translate(user, "text", scope, "user")],
        ["password", translate(password, "text", scope, wishOf(scope, "repository_password"))],
      ]),
    ],
  ];
};

const optional =
  (rule: Rule): Rule =>
  (value, scope, args, name) =>
    value === null ? [] : rule(value, scope, args, name);

const sourceOptions: Readonly<Record<string, Rule>> = {
  repourl: text(),
  mode: optional(text()),
  method: optional(text()),
  codebase: text(),
  workdir: programOptions["workdir"] as Rule,
  alwaysUseLatest: flag(),
  env: programOptions["env"] as Rule,
  timeout: seconds(),
  retry: optional(retry),
  ...ignored("logEnviron", "progress"),
};

/** Words of `git describe`. */
const getDescription: Rule = (value, scope) => {
  if (value === null || value === false) return [];
  const given = entriesOf(value);
  if (given === undefined) return [["getDescription", "true"]];
  const names: Readonly<Record<string, string>> = {
    match: "match",
    exclude: "exclude",
    abbrev: "abbrev",
    candidates: "candidates",
    "first-parent": "firstParent",
    long: "long",
    always: "always",
    tags: "lightweight",
  };
  const entries = Object.entries(given).flatMap(([key, item]): Entry[] => {
    const ours = names[key];
    if (ours !== undefined) return [[ours, translate(item, "json", scope, key)]];
    scope.todo(`git describe's --${key} is not translated`, "see getDescription in docs/reference/steps.md");
    return [];
  });
  return [["getDescription", object(entries)]];
};

const git: ClassMapping = {
  to: "steps/git",
  options: {
    ...sourceOptions,
    branch: optional(text()),
    submodules: flag(),
    remoteSubmodules: flag(),
    tags: flag(),
    shallow: same(),
    filters: (value, scope, args, name) =>
      Array.isArray(value) && value.length === 1
        ? text("filter")(value[0], scope, args, name)
        : lost("write filter")(value, scope, args, name),
    getDescription,
    config: optional(same()),
    auth_credentials: optional(credentials),
    sshPrivateKey: optional(text()),
    sshKnownHosts: optional(text()),
    sshHostKey: lost("write the host with its key as sshKnownHosts"),
    git_credentials: lost("use credentials"),
    reference: differs("there is no --reference", "mirror: true shares one copy among a worker's builds"),
    origin: differs("the remote is called origin", "nothing"),
    retryFetch: differs("a clone that cannot be used is made again without asking", "nothing"),
    clobberOnFailure: differs("a clone that cannot be used is made again without asking", "nothing"),
    port: differs("the port is part of the URL", "write ssh://HOST:PORT/PATH if it is not 22"),
  },
  rules: { haltOnFailure: true },
};

/** Steps that check sources out. */
export const sources: Mappings = {
  Git: git,
  GitHub: { ...git, differs: "of refs/pull/N/merge, the commit that the change names is built" },
  GitLab: git,
  Gerrit: { ...git, differs: "the branch is that of the change; the property event.change.id is not read" },
  SVN: {
    to: "steps/svn",
    options: {
      ...sourceOptions,
      depth: optional(text()),
      preferLastChangedRev: plain(),
      username: (value, scope, args, name) =>
        value === null ? [] : credentials([value, args["password"] ?? ""], scope, args, name),
      ...ignored("password"),
      extra_args: lost("see docs/sources.md for what can be set"),
      keep_on_purge: lost("use workdir for files that stay"),
    },
    rules: { haltOnFailure: true },
  },
  Mercurial: {
    to: "steps/hg",
    options: {
      ...sourceOptions,
      branchType: text(),
      defaultBranch: optional(text("branch")),
      ...ignored("clobberOnBranchChange"),
    },
    defaults: [["branchType", literal("dirname")]],
    rules: { haltOnFailure: true },
  },
};
