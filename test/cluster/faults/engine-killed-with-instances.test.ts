import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startCluster } from "../../harness/cluster.ts";
import { findLabelled } from "../../harness/labelled-processes.ts";
import { isLong } from "../../harness/long-form.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { killEngines } from "./kill-engines.ts";

const size = isLong ? { builds: 50, limit: 5, kills: 2 } : { builds: 12, limit: 3, kills: 1 };

it("killed engines leave no instance behind, never are there too many, and each request is built once to its end", async () => {
  const state = temporaryDirectory("latent");
  const cluster = await startCluster({
    config: "configs/latent-workers/cluster.ts",
    router: false,
    env: { WORK: "sleep 0.5", INSTANCES: String(size.limit), IDLE_TIME: "5s", MULTIMASTER_STATE: state },
  });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  await killEngines(cluster, front, {
    ...size,
    async startEngine(index) {
      const engine = await cluster.master({ roles: ["builder-engine"], name: `engine-${index}` });
      await engine.waitReady();
      return engine;
    },
    countInstances: () => findLabelled(state).length,
    timeoutMs: isLong ? 300_000 : 90_000,
  });
  expect(readdirSync(join(state, "workers", "latent", "pool"))).toEqual([]);
});
