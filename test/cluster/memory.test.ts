import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { attachWorkers } from "../bench/attach-workers.ts";
import { runBuilds } from "../bench/measures/noop.ts";
import { Multimaster } from "../bench/sides/multimaster.ts";
import { isLong } from "../harness/long-form.ts";
import { startPostgres } from "../harness/postgres.ts";
import { createMemoryProbe, type UsedMemory } from "../harness/used-memory.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const builds = Number(process.env["MULTIMASTER_BUILDS"] ?? 100_000);
const workers = Number(process.env["MULTIMASTER_WORKERS"] ?? 20);
const rounds = 10;
/** Megabytes between one part of the run and another that are not growth. */
const allowed = 2;

/** The middle one of the heaps. */
function typicalHeap(samples: readonly UsedMemory[]): number {
  const heaps = samples.map(({ heap }) => heap).sort((a, b) => a - b);
  return heaps[Math.floor(heaps.length / 2)] as number;
}

it.skipIf(!isLong)(
  `uses no more memory after ${builds} builds than after a third of them (npm run test:memory)`,
  async () => {
    const side = new Multimaster(await startPostgres(), root);
    const probe = createMemoryProbe();
    const system = await side.start({ scene: { workers }, nodeArgs: probe.nodeArgs, env: probe.env });
    const attached = await attachWorkers(system);
    const samples: UsedMemory[] = [];
    const sample = async (done: number) => {
      const used = await probe.read();
      console.log(`${done} builds: heap ${used.heap.toFixed(1)} MB, resident ${used.resident.toFixed(0)} MB`);
      return used;
    };
    try {
      await sample(0);
      for (let round = 1; round <= rounds; round += 1) {
        await runBuilds(side, system, builds / rounds);
        samples.push(await sample((builds / rounds) * round));
      }
    } finally {
      await attached.stop();
      await system.stop();
    }
    const third = rounds / 3;
    // The first third fills what is filled once.
    expect(typicalHeap(samples.slice(-third))).toBeLessThan(typicalHeap(samples.slice(third, 2 * third)) + allowed);
  },
  7_200_000,
);
