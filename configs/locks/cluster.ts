/**
 * Locks: a cache with readers and a writer, publishing one build at a time, boards with names, and a lock that follows from a
 * property. docs/locks.md explains them. One process with all roles on SQLite, or several with DATABASE_URL naming PostgreSQL.
 */
import {
  defineBuilders,
  defineCluster,
  defineLock,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

const state = env("MULTIMASTER_STATE", "state");

const cache = defineLock({ name: "cache", max: 20 });
const publishing = defineLock({ name: "publishing" });
const board = defineLock({ name: "board", resources: ["b1", "b2", "b3", "b4", "b5", "b6"], property: "board" });
const network = defineLock({ name: "network", scope: "worker", max: 2 });

const work = (name: string) => shell({ name, command: ["sh", "-c", env("WORK", "sleep 5")] });

export default defineCluster({
  name: "locks",
  database: env("DATABASE_URL", `sqlite:${state}/locks.sqlite`),

  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [
        force({ name: "force", builders: ["fetch", "images", "publish", "boards", "deploy"], label: "Build now" }),
      ],
    }),
  }),

  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          // Writes what others read.
          {
            name: "fetch",
            workers: ["local"],
            steps: [shell({ command: ["sleep", "2"], locks: [cache.exclusive()] })],
          },
          { name: "images", workers: ["local"], locks: [cache.counting()], steps: [work("image")] },
          {
            name: "publish",
            workers: ["local"],
            locks: [publishing.exclusive()],
            steps: [shell({ name: "upload", command: ["sleep", "1"], locks: [cache.counting(), network.counting()] })],
          },
          {
            name: "boards",
            workers: ["local"],
            locks: [board.counting()],
            steps: [shell({ command: (build) => ["echo", String(build.property("board"))] })],
          },
          {
            name: "deploy",
            workers: ["local"],
            locks: (build) => [defineLock({ name: `site-${build.property("branch") ?? "test"}` }).exclusive()],
            steps: [work("deploy")],
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
      workers: [{ name: "local", local: true, maxBuilds: 8 }],
    }),
  }),

  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 8010), title: "Locks", hooks: [] }) }),
});
