/** One process with all roles, with builds that end immediately and builds that wait for a file. */
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

const directory = env("DIRECTORY", "");
const waits = `touch ${directory}/begun; while [ ! -e ${directory}/gate ]; do sleep 0.1; done; echo the gate is open`;

export default defineCluster({
  name: "moves",
  database: env("DATABASE_URL", ""),
  lease: "4s",
  monitor: { host: "127.0.0.1", port: envPort("MONITOR_PORT", 0) },
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["quick", "waits"] })] }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "quick",
            workers: ["w1"],
            properties: { label: "déjà vu \u{1f680}" },
            steps: [
              shell({ command: "echo a line; printf 'caf\\303\\251 \\000 \\033[31mred\\033[0m\\n'; echo error >&2" }),
            ],
          },
          { name: "waits", workers: ["w1"], steps: [shell({ command: waits })] },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      basedir: `${directory}/workers`,
      workers: [{ name: "w1", local: true, maxBuilds: 2 }],
    }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0) }) }),
});
