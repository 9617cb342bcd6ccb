/** Many builders, each of which may run on any of many workers. */
import { defineBuilders, defineCluster, defineScheduling, defineUi, defineWorkers, env } from "@multimaster/config";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}-${i + 1}`);
const workers = numbered("worker", Number(env("FARM_WORKERS", "2000")));
const builders = numbered("builder", Number(env("FARM_BUILDERS", "500")));
const changed = env("FARM_CHANGED", "");

export default defineCluster({
  name: "farm",
  database: env("DATABASE_URL", ""),
  bus: { notify: true },
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders })] }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: builders.map((name) => ({
          name,
          description: name === changed ? "changed" : "",
          workers: name === changed ? workers.slice(1) : workers,
          steps: [shell({ command: ["true"] })],
        })),
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: 0,
      workers: workers.map((name) => ({ name, password: "secret of the workers" })),
    }),
  }),
  ui: async () => ({ default: defineUi({ port: 0 }) }),
});
