/** A cluster whose only workers are containers, made on demand. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import docker from "@multimaster/plugins/latent-workers/docker";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

/** As docs/latent-workers.md shows it, but for the path of the worker. */
const runWorker = `printf %s "$WORKER_PASSWORD" > /run/password && chmod 600 /run/password && unset WORKER_PASSWORD &&
exec /worker start --master "$MASTER_URL" --name "$WORKER_NAME" --password-file /run/password --basedir /tmp`;

export default defineCluster({
  name: "containers",
  database: env("DATABASE_URL", ""),
  lease: env("LEASE", "4s"),
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["job"], label: "Build now" })] }),
  }),
  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "job",
            workers: ["box"],
            steps: [shell({ name: "work", command: ["sh", "-c", env("WORK", "true")] })],
          },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: envPort("WORKER_PORT", 0),
      workers: [],
      latent: [
        docker({
          name: "box",
          maxInstances: Number(env("INSTANCES", "3")),
          retryAfter: "2s",
          idleTime: "5s",
          masterUrl: env("WORKERS_URL", "ws://127.0.0.1:9989"),
          hosts: [{ url: env("CONTAINER_HOST", "unix:///run/podman/podman.sock") }],
          image: env("IMAGE", ""),
          pull: "never",
          init: false,
          network: "host",
          command: ["sh", "-c", runWorker],
          volumes: env("VOLUMES", "").split(","),
          env: JSON.parse(env("CONTAINER_ENV", "{}")) as Record<string, string>,
          ulimits: { nofile: [1024, 1024], nproc: [1000, 1000] },
        }),
      ],
    }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 8010), title: "Containers", hooks: [] }) }),
});
