/** Everybody looks, operators act: a master whose users may not do everything. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import password from "@multimaster/plugins/auth/password";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

const user = { password: env("PASSWORD_HASH", "") };

export default defineCluster({
  name: "guarded",
  url: env("URL"),
  database: env("DATABASE_URL", ""),
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["web"], label: "Force a build" })] }),
  }),
  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [{ name: "web", workers: ["local"], steps: [shell({ command: ["true"] })] }],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      port: 0,
      basedir: env("WORKER_BASEDIR", "state/workers"),
      accounts: true,
      workers: [{ name: "local", local: true }],
    }),
  }),
  ui: async () => ({
    default: defineUi({
      port: envPort("UI_PORT", 0),
      auth: password({ users: { ann: user, bob: user } }),
      authorization: {
        rules: [
          { allow: "read", on: "masters", to: ["users"] },
          { allow: "read", on: "*", to: ["anyone"] },
          { allow: "*", on: "*", to: ["role:operators"] },
          { allow: "*", on: "worker_accounts", to: ["role:operators"] },
        ],
        otherwise: "deny",
        roles: { operators: { usernames: ["user:ann"] } },
      },
    }),
  }),
});
