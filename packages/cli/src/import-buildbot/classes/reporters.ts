import { filterEntries } from "../change-filter.ts";
import { asSpecial, entriesOf, isSpecial, textsOf, type Value } from "../document.ts";
import { generatorEntries } from "../generators.ts";
import { differs, dropped, lost, plain, type Rule } from "../rules.ts";
import { type Entry, literal, object } from "../source-file.ts";
import { describe } from "../values.ts";
import { type ClassMapping, ignored, type Mappings } from "./class-mapping.ts";
import { builderList } from "./schedulers.ts";

const optional =
  (rule: Rule): Rule =>
  (value, scope, args, name) =>
    value === null ? [] : rule(value, scope, args, name);

const common: Readonly<Record<string, Rule>> = {
  name: dropped,
  generators: (value, scope) => generatorEntries(value, scope),
  ...ignored("debug", "verify", "verbose", "cert"),
};

/** A context with nothing but the builder's name in it. */
const context: Rule = (value, scope) => {
  if (value === null) return [];
  const made = asSpecial(value, "interpolate");
  const text = typeof value === "string" ? value : made?.text;
  const written = typeof text === "string" ? text.replaceAll("%(prop:buildername)s", "{builder}") : undefined;
  if (written !== undefined && !written.includes("%")) return [["context", literal(written)]];
  scope.todo(`its context is ${describe(value)}`, "write context as a function of the build");
  return [["context", literal("buildbot/{builder}")]];
};

const statusDefaults: readonly Entry[] = [["context", literal("buildbot/{builder}")]];

const forge = (to: string, options: Readonly<Record<string, Rule>>): ClassMapping => ({
  to,
  options: { ...common, token: plain(), context, ...options },
  defaults: statusDefaults,
});

const apiUrl: Rule = optional(plain("apiUrl"));
const url: Rule = optional(plain("url"));

/** (user, password) */
const userAndPassword: Rule = (value, scope) => {
  const [user, password] = Array.isArray(value) ? (value as readonly Value[]) : [];
  const secret = asSpecial(password, "withheld");
  return [
    ["user", literal(typeof user === "string" ? user : "")],
    [
      "password",
      secret
        ? scope.withheld(secret.id, "reporter_password")
        : scope.fromEnvironment("REPORTER_PASSWORD", "the password of a reporter"),
    ],
  ];
};

const gerrit = (args: Readonly<Record<string, Value>>): string => {
  const given = args["baseURL"] ?? args["server"];
  const server = typeof given === "string" ? given : "gerrit.example.org";
  return server.includes("://") ? server : `https://${server}`;
};

/** How the mail server is reached. */
const smtp: ClassMapping["more"] = (args, scope) => {
  const user = args["smtpUser"];
  const password = asSpecial(args["smtpPassword"], "withheld") ?? asSpecial(args["smtpPassword"], "secret");
  const entries: (Entry | undefined)[] = [
    ["host", literal(args["relayhost"] ?? "localhost")],
    ["port", literal(args["smtpPort"] ?? 25)],
    ["security", literal(args["useSmtps"] === true ? "tls" : args["useTls"] === true ? "starttls" : "none")],
    typeof user === "string" ? ["user", literal(user)] : undefined,
    password === undefined
      ? undefined
      : [
          "password",
          password.is === "secret"
            ? scope.fromEnvironment("SMTP_PASSWORD", "the password at the mail server")
            : scope.withheld(password.id, "smtp_password"),
        ],
  ];
  return [["smtp", object(entries)]];
};

const chatDefaults: readonly Entry[] = [["events", literal(["build-ended"])]];

/** Events of which Buildbot's chats notify. */
const notifyEvents: Rule = (value) => {
  const modes = (textsOf(value) ?? []).flatMap((event): string[] => {
    const known: Readonly<Record<string, string>> = {
      failure: "failing",
      success: "passing",
      warnings: "warnings",
      exception: "exception",
      problem: "problem",
      recovery: "fixed",
      better: "change",
      worse: "problem",
    };
    return known[event] === undefined ? [] : [known[event]];
  });
  return modes.length === 0 ? [] : [["modes", literal([...new Set(modes)])]];
};

const chatIgnored = ignored(
  "allowForce",
  "allowShutdown",
  "useColors",
  "useRevisions",
  "showBlameList",
  "noticeOnChannel",
  "lostDelay",
  "failedDelay",
  "useSASL",
);
const noCommands = lost("the chat takes no commands; use `master`, the pages or REST");

/** Channels are texts, or { channel, password }. */
const channels: Rule = (value, scope) => {
  const list = Array.isArray(value) ? (value as readonly Value[]) : [value];
  const names = list.flatMap((item): string[] => {
    const name = typeof item === "string" ? item : entriesOf(item)?.["channel"];
    return typeof name === "string" ? [name] : [];
  });
  if (list.some((item) => typeof item !== "string")) scope.note("passwords of channels are not used", "invite it");
  return [["channels", literal(names)]];
};

/** Cancellers: of each filter one. */
const cancelFilters =
  (option: string): Rule =>
  (value, scope) => {
    const list = Array.isArray(value) ? (value as readonly Value[]) : [];
    const [first, ...others] = list.map((item) => (Array.isArray(item) ? (item as readonly Value[]) : []));
    if (first === undefined) return [];
    if (others.length > 0) scope.todo("only the first of its filters is translated", "write one scheduler for each");
    const names = builderList(first[0]);
    const cancelled = first.length > 2 ? builderList(first[1]) : undefined;
    const filter = first[first.length - 1];
    return [
      ["builders", literal(names ?? [])],
      ...(cancelled === undefined ? [] : ([["cancels", literal(cancelled)]] satisfies Entry[])),
      ...(isSpecial(filter) && filter.is === "object"
        ? ([[option, object(filterEntries(filter.args, scope))]] satisfies Entry[])
        : []),
    ];
  };

/** What listens to events and reports them, and other services. */
export const reporters: Mappings = {
  GitHubStatusPush: forge("reporters/github-status", { baseURL: apiUrl }),
  GitHubCommentPush: {
    to: "reporters/github-comment",
    options: { ...common, token: plain(), context: dropped, baseURL: apiUrl },
  },
  GitLabStatusPush: forge("reporters/gitlab-status", { baseURL: url }),
  BitbucketStatusPush: forge("reporters/bitbucket-cloud-status", {
    base_url: apiUrl,
    auth: optional(userAndPassword),
    oauth_key: optional(lost("use an access token, or a user with an app password")),
    ...ignored("oauth_secret", "oauth_url", "status_key", "status_name"),
  }),
  BitbucketServerCoreAPIStatusPush: forge("reporters/bitbucket-server-status", {
    base_url: plain("url"),
    auth: optional(lost("use an HTTP access token")),
    ...ignored("statusName", "statusSuffix", "key", "parentName", "buildNumber", "ref", "duration", "testResults"),
  }),
  GerritStatusPush: {
    to: "reporters/gerrit-review",
    options: {
      ...common,
      username: plain("user"),
      ...ignored("server", "port", "identity_file", "notify", "wantSteps", "wantLogs"),
    },
    more: (args, scope) => [
      ["url", literal(gerrit(args))],
      [
        "password",
        scope.fromEnvironment("GERRIT_PASSWORD", "the user's HTTP password at Gerrit, in place of the SSH key"),
      ],
    ],
    differs: "it votes over REST, with the user's HTTP password",
  },
  GerritVerifyStatusPush: {
    to: "reporters/gerrit-review",
    options: {
      ...common,
      auth: userAndPassword,
      ...ignored("baseURL", "category", "reporter", "verification_name", "abstain"),
    },
    more: (args) => [["url", literal(gerrit(args))]],
  },
  MailNotifier: {
    to: "reporters/mail",
    options: {
      ...common,
      fromaddr: plain("from"),
      extraRecipients: (value) => (textsOf(value)?.length ? [["to", literal(value)]] : []),
      sendToInterestedUsers: plain("sendToAuthors"),
      lookup: (value, scope) => {
        if (value !== null && typeof value !== "string") scope.todo("its lookup is not translated", "write addressOf");
        if (typeof value === "string") scope.note(`authors without an address got mail at ${value}`, "write addressOf");
        return [];
      },
      extraHeaders: optional(lost("there are no further headers; write subject")),
      ...ignored("relayhost", "smtpUser", "smtpPassword", "smtpPort", "useTls", "useSmtps", "dumpMailsToLog"),
    },
    more: smtp,
    defaults: [["sendToAuthors", "true"]],
  },
  HttpStatusPush: {
    to: "reporters/http-push",
    options: {
      ...common,
      serverUrl: plain("url"),
      headers: optional(plain()),
      auth: optional(lost("send a header Authorization")),
      ...ignored("skip_encoding"),
    },
    defaults: [["events", literal(["build-started", "build-ended"])]],
  },
  IRC: {
    to: "reporters/irc",
    options: {
      ...common,
      host: plain(),
      nick: plain(),
      channels,
      port: dropped,
      useSSL: dropped,
      password: optional(plain()),
      notify_events: notifyEvents,
      tags: optional(plain()),
      pm_to_nicks: lost("name a channel"),
      authz: noCommands,
      ...chatIgnored,
    },
    more: (args) => [
      ["port", literal(args["port"] ?? 6667)],
      ["tls", literal(args["useSSL"] ?? false)],
    ],
    defaults: chatDefaults,
    differs: "it reports, and takes no commands",
  },
  TelegramBot: {
    to: "reporters/telegram",
    options: {
      ...common,
      bot_token: plain("token"),
      chat_ids: (value) => {
        const [first] = Array.isArray(value) ? (value as readonly Value[]) : [];
        return [["chat", literal(first ?? 0)]];
      },
      notify_events: notifyEvents,
      tags: optional(plain()),
      authz: noCommands,
      ...ignored("bot_username", "useWebhook", "certificate", "pollTimeout", "retryDelay"),
      ...chatIgnored,
    },
    defaults: chatDefaults,
    differs: "it reports, and takes no commands",
  },
  ZulipStatusPush: {
    to: "reporters/zulip",
    options: { ...common, endpoint: plain("url"), token: plain("key"), stream: optional(plain()) },
    more: (_, scope) => [
      ["email", scope.fromEnvironment("ZULIP_EMAIL", "the address of the bot, which Buildbot does not need")],
    ],
    defaults: [["stream", literal("builds")]],
  },
  OldBuildCanceller: {
    to: "schedulers/cancel-superseded",
    options: {
      name: plain(),
      filters: cancelFilters("changeFilter"),
      branch_key: optional(differs("changes of one branch supersede each other", "write key")),
    },
  },
  FailingBuildsetCanceller: {
    to: "schedulers/cancel-failing",
    options: { name: plain(), filters: cancelFilters("filter") },
  },
};
