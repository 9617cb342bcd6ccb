/** Strangers' pull requests wait until a user approves them. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

const state = env("MULTIMASTER_STATE", "state");

export default defineCluster({
  name: "approvals",
  database: `sqlite:${state}/approvals.sqlite`,
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["check"] })] }),
  }),
  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "check",
            workers: ["w1"],
            approval: { untrusted: true },
            steps: [shell({ command: ["echo", "checked"] })],
          },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({ basedir: `${state}/workers`, workers: [{ name: "w1", local: true }] }),
  }),
  ui: async () => ({ default: defineUi({ host: "127.0.0.1", port: envPort("UI_PORT", 0), hooks: [] }) }),
});
