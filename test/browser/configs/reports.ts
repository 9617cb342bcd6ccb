/** A builder whose ends are reported to several targets: TARGETS names them, as JSON, by reporter. */
import { defineBuilders, defineCluster, defineScheduling, defineUi, defineWorkers, env } from "@multimaster/config";
import httpPush from "@multimaster/plugins/reporters/http-push";
import mail from "@multimaster/plugins/reporters/mail";
import type { Template } from "@multimaster/plugins/reporters/messages/message-facts";
import slack from "@multimaster/plugins/reporters/slack";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

const targets = Object.entries(JSON.parse(env("TARGETS", "{}")) as Record<string, string>);

/** Breaks where a build has no failing test, or no log. */
const broken: Template = ({ logs }) => ({
  subject: String(logs[0]?.step.toUpperCase()),
  text: logs[0]?.text as string,
});

export default defineCluster({
  name: "reports",
  database: env("DATABASE_URL", "sqlite:state/reports.sqlite"),

  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [force({ name: "force", builders: ["web"] })],
      reporters: [
        ...targets.map(([name, url]) =>
          name === "hook"
            ? slack({ name, url })
            : httpPush({ name, url, events: ["build-ended"], timeout: "1s", attempts: name === "refusing" ? 1 : 8 }),
        ),
        // Reports nothing by itself: it is there to be tried out.
        mail({
          name: "mail",
          smtp: { host: "127.0.0.1", port: 1, security: "none" },
          from: "Builds <builds@example.org>",
          to: ({ build }) => (build?.builder === "web" ? ["team@example.org"] : []),
          builders: ["idle"],
          ...(env("BROKEN") && { message: broken }),
        }),
      ],
    }),
  }),

  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "web",
            workers: ["local"],
            steps: [shell({ name: "tests", command: "echo 'expected 3, got 4'; exit 1" })],
          },
          { name: "idle", workers: ["local"], steps: [shell({ name: "nothing", command: "true" })] },
        ],
      }),
    }),
  },

  workers: async () => ({
    default: defineWorkers({ port: 0, basedir: "state/workers", workers: [{ name: "local", local: true }] }),
  }),

  ui: async () => ({ default: defineUi({ port: Number(env("UI_PORT", "0")), title: "Reports" }) }),
});
