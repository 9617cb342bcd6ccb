import { it } from "vitest";
import { markedEnvironment } from "../../harness/cleanup.ts";
import { startCluster } from "../../harness/cluster.ts";
import { startHaproxy } from "../../harness/haproxy.ts";
import { isLong } from "../../harness/long-form.ts";
import { startPodman, whyNoContainers } from "../../harness/podman.ts";
import { killEngines } from "./kill-engines.ts";

/** The long form is `npm run test:containers`. */
const size = isLong ? { builds: 50, limit: 5, kills: 2 } : { builds: 6, limit: 3, kills: 1 };

const refusal = await whyNoContainers();
if (refusal !== undefined) console.warn(`builds in containers are not tested: ${refusal}`);

it.skipIf(refusal !== undefined)(
  "killed engines leave no container at a real Podman, never are there too many, and each request is built once to its end",
  { timeout: 600_000 },
  async () => {
    const podman = await startPodman();
    const balancer = await startHaproxy();
    const cluster = await startCluster({
      config: "test/cluster/configs/containers/cluster.ts",
      router: false,
      env: {
        WORK: "sleep 0.5",
        INSTANCES: String(size.limit),
        WORKERS_URL: `ws://127.0.0.1:${balancer.workersPort}`,
        CONTAINER_HOST: podman.url,
        IMAGE: podman.image,
        VOLUMES: podman.volumes.join(","),
        CONTAINER_ENV: JSON.stringify(markedEnvironment()),
      },
    });
    const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
    await front.waitReady();
    await killEngines(cluster, front, {
      ...size,
      async startEngine(index) {
        const port = balancer.enginePorts[index] as number;
        const env = { WORKER_PORT: String(port) };
        const engine = await cluster.master({ roles: ["builder-engine"], name: `engine-${index}`, env });
        await engine.waitReady();
        await balancer.waitForServer(port);
        return engine;
      },
      countInstances: async () => (await podman.containers("multimaster.latent=box")).length,
      timeoutMs: isLong ? 400_000 : 120_000,
    });
  },
);
