/**
 * Who is notified of what happens: a reporter for each kind of target. Those whose address or token is not in the environment are left
 * out, so that `check-config` and a first start need none; docs/reporters.md explains the options.
 */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import bitbucketCloudStatus from "@multimaster/plugins/reporters/bitbucket-cloud-status";
import bitbucketServerStatus from "@multimaster/plugins/reporters/bitbucket-server-status";
import discord from "@multimaster/plugins/reporters/discord";
import gerritChecks from "@multimaster/plugins/reporters/gerrit-checks";
import gerritReview from "@multimaster/plugins/reporters/gerrit-review";
import giteaStatus from "@multimaster/plugins/reporters/gitea-status";
import gitHubChecks from "@multimaster/plugins/reporters/github-checks";
import gitHubComment from "@multimaster/plugins/reporters/github-comment";
import gitHubLabels from "@multimaster/plugins/reporters/github-labels";
import gitHubStatus from "@multimaster/plugins/reporters/github-status";
import gitLabComment from "@multimaster/plugins/reporters/gitlab-comment";
import gitLabStatus from "@multimaster/plugins/reporters/gitlab-status";
import httpPush from "@multimaster/plugins/reporters/http-push";
import irc from "@multimaster/plugins/reporters/irc";
import mail from "@multimaster/plugins/reporters/mail";
import matrix from "@multimaster/plugins/reporters/matrix";
import mattermost from "@multimaster/plugins/reporters/mattermost";
import { htmlMessage } from "@multimaster/plugins/reporters/messages/html-message";
import { markdownMessage } from "@multimaster/plugins/reporters/messages/markdown-message";
import { plainMessage } from "@multimaster/plugins/reporters/messages/plain-message";
import openTelemetry from "@multimaster/plugins/reporters/opentelemetry";
import slack from "@multimaster/plugins/reporters/slack";
import teams from "@multimaster/plugins/reporters/teams";
import telegram from "@multimaster/plugins/reporters/telegram";
import zulip from "@multimaster/plugins/reporters/zulip";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

const state = env("MULTIMASTER_STATE", "state");

/** The reporter that is made of the values, if the environment has them all. */
function ifSet<T>(names: readonly string[], make: (...values: string[]) => T): T[] {
  const values = names.flatMap((name) => env(name) ?? []);
  return values.length === names.length ? [make(...values)] : [];
}

export default defineCluster({
  name: "reporters",
  url: env("SITE_URL"),
  database: env("DATABASE_URL", `sqlite:${state}/reporters.sqlite`),
  lease: env("LEASE", "15s"),

  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [force({ name: "force", builders: ["job"], label: "Build now" })],
      reporters: [
        ...ifSet(["PUSH_URL", "PUSH_SECRET"], (url = "", secret) =>
          httpPush({ name: "push", url, secret, format: "cloudevents" }),
        ),
        ...ifSet(["TRACES_URL"], (url = "") => openTelemetry({ name: "traces", url })),
        ...ifSet(["GITHUB_API", "GITHUB_TOKEN"], (apiUrl, token) => gitHubStatus({ name: "github", apiUrl, token })),
        ...ifSet(["GITHUB_API", "GITHUB_TOKEN"], (apiUrl, token) => gitHubComment({ name: "comment", apiUrl, token })),
        ...ifSet(["GITHUB_API", "GITHUB_TOKEN"], (apiUrl, token) => gitHubChecks({ name: "checks", apiUrl, token })),
        ...ifSet(["GITHUB_API", "GITHUB_TOKEN"], (apiUrl, token) =>
          gitHubLabels({ name: "labels", apiUrl, token, labels: { passed: "ci: passed", failed: "ci: failed" } }),
        ),
        ...ifSet(["GITLAB_URL", "GITLAB_TOKEN"], (url, token = "") => gitLabStatus({ name: "gitlab", url, token })),
        ...ifSet(["GITLAB_URL", "GITLAB_TOKEN"], (url, token = "") => gitLabComment({ name: "notes", url, token })),
        ...ifSet(["GITEA_URL", "GITEA_TOKEN"], (url = "", token = "") => giteaStatus({ name: "gitea", url, token })),
        ...ifSet(["BITBUCKET_TOKEN"], (token) => bitbucketCloudStatus({ name: "bitbucket", token })),
        ...ifSet(["STASH_URL", "STASH_TOKEN"], (url = "", token = "") =>
          bitbucketServerStatus({ name: "stash", url, token }),
        ),
        ...ifSet(["GERRIT_URL", "GERRIT_USER", "GERRIT_PASSWORD"], (url = "", user = "", password = "") =>
          gerritReview({ name: "gerrit", url, user, password }),
        ),
        ...ifSet(["GERRIT_URL", "GERRIT_USER", "GERRIT_PASSWORD"], (url = "", user = "", password = "") =>
          gerritChecks({ name: "gerrit checks", url, user, password }),
        ),
        ...ifSet(["SMTP_HOST", "MAIL_TO"], (host = "", to = "") =>
          mail({
            name: "mail",
            smtp: { host },
            from: "Builds <builds@example.org>",
            to: [to],
            modes: ["problem", "fixed"],
            sendToAuthors: true,
            events: ["build-ended", "worker-missing"],
            message: htmlMessage,
          }),
        ),
        ...ifSet(["SLACK_URL"], (url = "") => slack({ name: "slack", url, modes: ["change"], message: plainMessage })),
        ...ifSet(["OPERATORS_URL"], (url = "") =>
          slack({
            name: "operators",
            url,
            events: ["request-waiting", "step-ended", "master-evicted", "config-changed", "upgrade-done"],
            waitingAfter: "15m",
            steps: ["deploy*"],
          }),
        ),
        ...ifSet(["DISCORD_URL"], (url = "") => discord({ name: "discord", url, message: markdownMessage })),
        ...ifSet(["MATTERMOST_URL"], (url = "") => mattermost({ name: "mattermost", url })),
        ...ifSet(["MATRIX_URL", "MATRIX_TOKEN", "MATRIX_ROOM"], (url = "", token = "", room = "") =>
          matrix({ name: "matrix", url, token, room }),
        ),
        ...ifSet(["ZULIP_URL", "ZULIP_KEY"], (url = "", key = "") =>
          zulip({ name: "zulip", url, email: "builds-bot@example.org", key, stream: "builds" }),
        ),
        ...ifSet(["TEAMS_URL"], (url = "") => teams({ name: "teams", url })),
        ...ifSet(["TELEGRAM_TOKEN", "TELEGRAM_CHAT"], (token = "", chat = "") =>
          telegram({ name: "telegram", token, chat }),
        ),
        ...ifSet(["IRC_HOST"], (host = "") => irc({ name: "irc", host, nick: "builds", channels: ["#builds"] })),
      ],
    }),
  }),

  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "job",
            workers: ["local"],
            steps: [shell({ name: "work", command: ["sh", "-c", env("WORK", "true")] })],
          },
        ],
      }),
    }),
  },

  workers: async () => ({ default: defineWorkers({ workers: [{ name: "local", local: true }] }) }),

  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 8010), title: "Reporters", hooks: [] }) }),
});
