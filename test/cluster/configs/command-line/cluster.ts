/** One master with a local worker, whose builds print what the test wants and wait for it. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
  type RenderContext,
} from "@multimaster/config";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

const gate = env("GATE", "");

/** Lines, then nothing until the gate of the build's own name is there, then lines again. */
const work = (b: RenderContext) => `
  seq -f 'before %g' 1 300
  until [ -e '${gate}/${b.property("gate")}' ]; do sleep 0.1; done
  seq -f 'after %g' 1 300
  exit ${b.property("code")}`;

export default defineCluster({
  name: "command-line",
  database: env("DATABASE_URL", "sqlite:state/command-line.sqlite"),
  lease: "5s",
  monitor: { port: envPort("MONITOR_PORT", 0) },
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [
        force({
          name: "force",
          builders: ["web", "absent"],
          parameters: [
            { type: "string", name: "gate", default: "open" },
            { type: "int", name: "code", default: 0 },
            { type: "choice", name: "target", choices: ["debug", "release"], default: "debug" },
          ],
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
            steps: [shell({ name: "hello", command: "echo hello" }), shell({ name: "work", command: work })],
          },
          { name: "absent", workers: ["remote"], steps: [shell({ name: "hello", command: "echo hello" })] },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: 0,
      basedir: env("BASEDIR", "state/workers"),
      workers: [
        { name: "local", local: true },
        { name: "remote", password: "never used" },
      ],
    }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0) }) }),
});
