/** A build that kills the engine it runs on: the local worker's parent is that engine. */
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

export default defineCluster({
  name: "killing",
  database: env("DATABASE_URL", ""),
  bus: { notify: true },
  lease: "2s",
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["kill", "beside"] })] }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "kill",
            workers: ["local"],
            // When the build beside it runs, if there is to be one.
            steps: [shell({ name: "kill the engine", command: `${env("KILL_WHEN", "true")}; kill -9 $PPID` })],
          },
          { name: "beside", workers: ["local"], steps: [shell({ command: env("BESIDE", "true") })] },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({ basedir: env("BASEDIR", ""), workers: [{ name: "local", local: true, maxBuilds: 2 }] }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0) }) }),
});
