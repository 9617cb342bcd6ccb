/**
 * Symmetric: every master starts with the same roles, to scale out. Start as many as you like, each with its own ports:
 *
 *   master start --config configs/symmetric/cluster.ts
 *
 * DATABASE_URL, WAMP_ROUTER, REPOSITORY and WORKER_PASSWORD come from the environment, as do the ports. With ARTIFACT_BUCKET,
 * builds may keep artifacts and caches there (docs/artifacts.md).
 */
import { defineCluster, env, envPort } from "@multimaster/config";
import s3 from "@multimaster/plugins/artifact-stores/s3";

const bucket = env("ARTIFACT_BUCKET");

export default defineCluster({
  name: "symmetric",
  database: env("DATABASE_URL", "postgresql://multimaster@localhost/multimaster"),
  bus: {
    router: env("WAMP_ROUTER", "ws://localhost:8080/ws"),
    realm: env("WAMP_REALM", "buildbot"),
    authid: env("WAMP_AUTHID"),
    ticket: env("WAMP_TICKET"),
    privateKey: env("WAMP_PRIVATE_KEY"),
  },
  artifacts:
    bucket === undefined
      ? undefined
      : {
          store: s3({
            bucket,
            endpoint: env("S3_ENDPOINT", "https://s3.eu-central-1.amazonaws.com"),
            region: env("S3_REGION", "eu-central-1"),
            accessKeyId: env("S3_ACCESS_KEY_ID", ""),
            secretAccessKey: env("S3_SECRET_ACCESS_KEY", ""),
          }),
          keepFor: "90d",
        },
  lease: env("LEASE", "15s"),
  // Health checks and metrics of masters without a port of their own, such as schedulers: docs/operators.md.
  monitor: { host: env("MONITOR_HOST", "127.0.0.1"), port: envPort("MONITOR_PORT", "9100-9109") },
  scheduler: () => import("./scheduler.ts"),
  builders: { all: () => import("./builders.ts") },
  workers: () => import("./workers.ts"),
  ui: () => import("./ui.ts"),
});
