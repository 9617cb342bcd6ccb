import { defineWorkers, env, envPort } from "@multimaster/config";

const password = env("WORKER_PASSWORD");

export default defineWorkers({
  host: env("WORKER_HOST", "0.0.0.0"),
  port: envPort("WORKER_PORT", 9989),
  workers: Array.from({ length: 10 }, (_, i) => ({ name: `worker-${i + 1}`, password })),
});
