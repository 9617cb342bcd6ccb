import { defineWorkers, env, envPort } from "@multimaster/config";

const password = env("WORKER_PASSWORD");

export default defineWorkers({
  host: env("WORKER_HOST", "0.0.0.0"),
  port: envPort("WORKER_PORT", 9989),
  // Addresses of the balancers, separated by commas: their headers about the client are trusted.
  trustedProxies: env("TRUSTED_PROXIES")?.split(",") ?? [],
  workers: Array.from({ length: 10 }, (_, i) => ({ name: `worker-${i + 1}`, password })),
});
