/**
 * Workers made on demand: no worker runs until something is to be built. One process with all roles on SQLite, or several
 * masters with the same file and DATABASE_URL naming PostgreSQL; docs/latent-workers.md explains the options.
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
import localProcess from "@multimaster/plugins/latent-workers/local-process";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

const state = env("MULTIMASTER_STATE", "state");

export default defineCluster({
  name: "latent",
  database: env("DATABASE_URL", `sqlite:${state}/latent.sqlite`),
  lease: env("LEASE", "15s"),

  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["job"], label: "Build now" })] }),
  }),

  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "job",
            workers: ["pool"],
            steps: [shell({ name: "work", command: ["sh", "-c", env("WORK", "uname -a")] })],
          },
        ],
      }),
    }),
  },

  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: envPort("WORKER_PORT", 9989),
      basedir: `${state}/workers`,
      workers: [],
      latent: [
        localProcess({
          name: "pool",
          maxInstances: Number(env("INSTANCES", "3")),
          retryAfter: "2s",
          idleTime: env("IDLE_TIME", "5m"),
        }),
      ],
    }),
  }),

  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 8010), title: "Latent workers", hooks: [] }) }),
});
