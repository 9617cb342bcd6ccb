/** Everything that Buildbot's pages show: builds that succeed, run, wait, and a worker that never comes. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import base from "@multimaster/plugins/hooks/base";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

/** Counts until the gate is there, so that a test can look on. */
const count = `i=0; until [ -e "$GATE" ]; do i=$((i+1)); echo line $i; sleep 0.2; done; echo the end`;

export default defineCluster({
  name: "frontend",
  database: "sqlite:state/master.sqlite",
  lease: "15s",
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [
        anyBranch({ name: "changes", builders: ["quick"] }),
        force({ name: "force", builders: ["quick", "slow", "stuck"] }),
      ],
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: [
          { name: "quick", workers: ["here"], tags: ["web"], steps: [shell({ name: "hello", command: "echo hello" })] },
          {
            name: "slow",
            workers: ["here"],
            steps: [shell({ name: "count", command: ["sh", "-c", count], env: { GATE: env("GATE", "") } })],
          },
          { name: "stuck", workers: ["absent"], steps: [shell({ command: "true" })] },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: 0,
      basedir: "state/workers",
      workers: [
        { name: "here", local: true },
        { name: "absent", password: "secret" },
      ],
    }),
  }),
  ui: async () => ({
    default: defineUi({
      port: envPort("UI_PORT", 0),
      app: "buildbot",
      path: env("FRONTEND", "frontend"),
      title: "Pages",
      hooks: [base({ anybody: true })],
    }),
  }),
});
