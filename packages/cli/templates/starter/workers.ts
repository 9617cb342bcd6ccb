/** The workers that may build. */
import { defineWorkers, env } from "@multimaster/config";

const password = env("WORKER_PASSWORD");

export default defineWorkers({
  // The address where the engine listens for workers, 0.0.0.0 for those of other machines; local ones keep their files in basedir.
  host: env("WORKER_HOST", "127.0.0.1"),
  // A second engine of this host takes the next one.
  port: "9989-9992",
  basedir: "state/workers",

  workers: [
    // Runs inside the engine's process.
    { name: "local", local: true },
    // Connects from another machine: buildbot-worker of any release, or `worker start`.
    ...(password ? [{ name: "worker-1", password, maxBuilds: 2 }] : []),
  ],
});
