/** Who may build. */
import { defineWorkers, env } from "@multimaster/config";

const password = env("WORKER_PASSWORD");

export default defineWorkers({
  // Where the engine listens for workers, and where local ones keep their files.
  host: "127.0.0.1",
  port: 9989,
  basedir: "state/workers",

  workers: [
    // Runs inside the engine's process.
    { name: "local", local: true },
    // Connects from another machine: buildbot-worker with --protocol=msgpack_experimental_v7, or `worker start`.
    ...(password ? [{ name: "worker-1", password, maxBuilds: 2 }] : []),
  ],
});
