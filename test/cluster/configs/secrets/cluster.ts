/** A builder that uses a secret everywhere it can. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
  interpolate,
  secret,
} from "@multimaster/config";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

export default defineCluster({
  name: "secrets",
  database: env("DATABASE_URL", ""),
  bus: { router: env("WAMP_ROUTER"), realm: env("WAMP_REALM", "buildbot") },
  lease: env("LEASE", "4s"),
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["job"] })] }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        secrets: { token: env("SECRET") },
        builders: [
          {
            name: "job",
            workers: ["w1"],
            env: { TOKEN: secret("token") },
            properties: { token: env("SECRET", "") },
            steps: [
              shell({
                name: "work",
                command: env("WORK", "true"),
                descriptionDone: interpolate("with ${secret:token}"),
              }),
            ],
          },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: envPort("WORKER_PORT", 0),
      workers: [{ name: "w1", password: env("WORKER_PASSWORD") }],
    }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0) }) }),
});
