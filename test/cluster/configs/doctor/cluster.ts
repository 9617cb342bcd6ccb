/** What `master doctor` looks at, all of it from the environment. */
import { defineBuilders, defineCluster, defineScheduling, defineUi, defineWorkers, env } from "@multimaster/config";
import directory from "@multimaster/plugins/artifact-stores/directory";
import shell from "@multimaster/plugins/steps/shell";

const url = env("ADDRESS");

export default defineCluster({
  name: "doctor",
  database: env("DATABASE_URL", ""),
  bus: { router: env("ROUTER", ""), realm: env("REALM", "") },
  artifacts: { store: directory({ path: env("STORE", "") }) },
  ...(url && { url }),
  scheduler: async () => ({ default: defineScheduling({ schedulers: [] }) }),
  builders: {
    all: async () => ({
      default: defineBuilders({ builders: [{ name: "b", workers: ["w"], steps: [shell({ command: "true" })] }] }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      tls: { certificate: env("CERTIFICATE", ""), key: env("KEY", "") },
      workers: [{ name: "w", password: "a long password of this worker" }],
    }),
  }),
  ui: async () => ({ default: defineUi({}) }),
});
