import { asSpecial, isSpecial, type Value } from "../document.ts";
import { lost, ownFunction, plain, type Rule, seconds } from "../rules.ts";
import { type Entry, literal, object } from "../source-file.ts";
import { describe, todo, translateFunction } from "../values.ts";
import { ignored, type Mappings } from "./class-mapping.ts";

const optional =
  (rule: Rule): Rule =>
  (value, scope, args, name) =>
    value === null || value === "" ? [] : rule(value, scope, args, name);

/** A text or a function of Python's. */
const textOrFunction: Rule = (value, scope, args, name) =>
  asSpecial(value, "function") ? ownFunction()(value, scope, args, name) : optional(plain())(value, scope, args, name);

const codebase: Rule = (value) => {
  const name = isSpecial(value) && value.is === "object" ? value.args["name"] : value;
  return typeof name === "string" && name !== "" ? [["codebase", literal(name)]] : [];
};

/** Buildbot's functions of branches get the whole name of the ref. */
const fullName = { code: "`refs/heads/${name}`", role: "text" } as const;

const pollers: Readonly<Record<string, Rule>> = {
  repourl: plain("repository"),
  name: optional(plain()),
  branch: (value) => (value === null ? [] : [["branches", literal([value])]]),
  branches: (value, scope) => {
    if (value === null) return [];
    if (asSpecial(value, "function"))
      return [["branches", translateFunction(value, [fullName], "flag", scope, "branches")]];
    return [["branches", literal(value)]];
  },
  pollInterval: seconds(),
  pollinterval: seconds("pollInterval"),
  pollAtLaunch: plain("pollAtStart"),
  category: textOrFunction,
  project: optional(plain()),
  codebase,
  ...ignored(
    "workdir",
    "usetimestamps",
    "encoding",
    "gitbin",
    "hgbin",
    "svnbin",
    "histmax",
    "cachepath",
    "fetch_refspec",
  ),
  pollRandomDelayMin: lost("nothing, unless many sources poll one server"),
  pollRandomDelayMax: lost("nothing, unless many sources poll one server"),
};

/** Buildbot polls every ten minutes, first after one such time. */
const pollDefaults: readonly Entry[] = [
  ["pollInterval", literal(600)],
  ["pollAtStart", "false"],
];
const credential = lost("pass a key by env: { GIT_SSH_COMMAND: … }");

/** Change sources. */
export const changeSources: Mappings = {
  GitPoller: {
    to: "change-sources/git-poller",
    options: {
      ...pollers,
      buildPushesWithNoCommits: plain(),
      only_tags: lost("use the webhook of the forge, which reports tags"),
      sshPrivateKey: credential,
      sshHostKey: credential,
      sshKnownHosts: credential,
      auth_credentials: lost("pass them by env, as git accepts them"),
      git_credentials: lost("pass them by env, as git accepts them"),
    },
    // Buildbot's own name of it, under which it has noted the heads.
    more: ({ name, repourl }) =>
      typeof repourl === "string" && typeof name !== "string" ? [["name", literal(repourl)]] : [],
    defaults: pollDefaults,
  },
  HgPoller: {
    to: "change-sources/hg-poller",
    options: { ...pollers, bookmarks: lost("name the bookmarks among branches"), revlink: lost("write revlink") },
    defaults: pollDefaults,
  },
  SVNPoller: {
    to: "change-sources/svn-poller",
    options: {
      ...pollers,
      split_file: (value, scope) => {
        const made = asSpecial(value, "function");
        if (made === undefined || made.name === "split_file_alwaystrunk") return [];
        if (made.name === "split_file_branches") return [["splitFile", literal("branches")]];
        return [["splitFile", todo(value, scope, "split_file", describe(value))]];
      },
      svnuser: (value, scope, args): readonly Entry[] => {
        if (typeof value !== "string") return [];
        const password: Value = args["svnpasswd"] ?? null;
        const secret = asSpecial(password, "withheld");
        return [
          [
            "credentials",
            object([
              ["username", literal(value)],
              secret === undefined ? undefined : ["password", scope.withheld(secret.id, "svn_password")],
            ]),
          ],
        ];
      },
      revlinktmpl: (value) =>
        typeof value === "string" && value !== "" ? [["revlink", literal(value.replace("%s", "{revision}"))]] : [],
      ...ignored("svnpasswd"),
      extra_args: lost("see docs/sources.md for what can be set"),
    },
    defaults: pollDefaults,
  },
};

/** Change sources that are something else here: what to use in their place. */
export const otherSources: Readonly<Record<string, string>> = {
  GitHubPullrequestPoller: "add the hook github to the ui, and its webhook at GitHub: docs/webhooks.md",
  BitbucketPullrequestPoller: "add the hook bitbucketcloud to the ui: docs/webhooks.md",
  GerritChangeSource: "add the hook gerrit to the ui, and the plugin webhooks at Gerrit: docs/webhooks.md",
  GerritEventLogPoller: "add the hook gerrit to the ui, and the plugin webhooks at Gerrit: docs/webhooks.md",
  PBChangeSource: "send changes with `master send-change`, or to the hook base: docs/webhooks.md",
  P4Source: "send changes with `master send-change` from a trigger of the server",
  MaildirSource: "send changes with `master send-change` from what reads the mail",
  CVSMaildirSource: "send changes with `master send-change` from what reads the mail",
  SVNCommitEmailMaildirSource: "use svnPoller",
  BzrLaunchpadEmailMaildirSource: "send changes with `master send-change` from what reads the mail",
};
