import { percentile } from "../../harness/figures.ts";
import { fillHistory, insertRequests } from "../fill-database.ts";
import type { Figures, Measure, Row, Size } from "../measure.ts";
import { readsPerSecond } from "../read-load.ts";
import { withSystem } from "../with-system.ts";
import { measureTimes } from "./latency.ts";

const powers = (from: number, to: number): number[] => {
  const points = [];
  for (let x = from; x <= to; x *= 10) points.push(x);
  return points;
};

const force = (along: string): Row => ({
  name: `by-${along}-force`,
  title: `force → first command, p50, by ${along}`,
  unit: "ms",
  better: "less",
});

const samples = ({ pick }: Size) => pick(5, 20);

export const byBuilders: Measure = {
  name: "by-builders",
  title: "Growth with builders",
  about: "The start of a master, and the latency of a forced build, with 10 to 1,000 builders.",
  along: "builders",
  quick: false,
  rows: [
    force("builders"),
    { name: "by-builders-start", title: "start until ready, by builders", unit: "s", better: "less" },
  ],
  async run(side, { size }): Promise<Figures> {
    const figures: Figures = {};
    for (const builders of powers(10, size.pick(100, 1000))) {
      await withSystem(side, { scene: { builders }, timeoutMs: 300_000 }, async (system, workers) => {
        const times = await measureTimes(system, workers, samples(size), () => system.force(["builder-1"]));
        figures[`by-builders-force@${builders}`] = percentile(times, 0.5);
        figures[`by-builders-start@${builders}`] = system.readyMs / 1000;
      });
    }
    return figures;
  },
};

export const byPending: Measure = {
  name: "by-pending",
  title: "Growth with pending requests",
  about: "The latency of a forced build while 10 to 100,000 requests wait for a worker that never comes.",
  along: "pending requests",
  quick: false,
  rows: [force("pending")],
  async run(side, { size }): Promise<Figures> {
    const figures: Figures = {};
    for (const pending of powers(10, size.pick(1000, 100_000))) {
      await withSystem(side, {}, async (system, workers) => {
        await insertRequests(side.postgres, system.database, pending, "waiting");
        await side.postgres.psql("analyze", system.database);
        // The queue is read for the first time.
        await system.force(["waiting"]);
        const times = await measureTimes(system, workers, samples(size), () => system.force(["builder-1"]));
        figures[`by-pending-force@${pending}`] = percentile(times, 0.5);
      });
    }
    return figures;
  },
};

export const byWorkers: Measure = {
  name: "by-workers",
  title: "Growth with workers",
  about: "The time until 10 to 2,000 workers are attached, and the latency of a forced build then.",
  along: "workers",
  quick: false,
  rows: [
    force("workers"),
    { name: "by-workers-attach", title: "workers attach, by workers", unit: "s", better: "less" },
  ],
  async run(side, { size }): Promise<Figures> {
    const figures: Figures = {};
    for (const workers of size.quick ? [10, 100] : [10, 100, 500, 1000, 2000]) {
      await withSystem(side, { scene: { workers }, timeoutMs: 300_000 }, async (system, attached) => {
        const times = await measureTimes(system, attached, samples(size), () => system.force(["builder-1"]));
        figures[`by-workers-force@${workers}`] = percentile(times, 0.5);
        figures[`by-workers-attach@${workers}`] = attached.attachMs / 1000;
      });
    }
    return figures;
  },
};

export const byBuilds: Measure = {
  name: "by-builds",
  title: "Growth with builds",
  about:
    "Reads per second of one client, and the latency of a forced build, on a history of 1,000 builds up to a million (or as --builds says).",
  along: "builds",
  quick: false,
  rows: [
    force("builds"),
    { name: "by-builds-newest", title: "50 builds before an id, one client, by builds", unit: "per s", better: "more" },
    {
      name: "by-builds-properties",
      title: "a build with all properties, one client, by builds",
      unit: "per s",
      better: "more",
    },
  ],
  async run(side, { size }): Promise<Figures> {
    const figures: Figures = {};
    for (const builds of powers(1000, size.builds)) {
      await withSystem(side, {}, async (system, workers) => {
        await fillHistory(side.postgres, system.database, builds, 1000);
        const [row] = await system.rows<{ id: number }>("select max(id) as id from builds");
        const before = (row?.id ?? 0) - 500;
        const rate = (path: string) =>
          readsPerSecond(new URL(`api/v2/${path}`, system.url), { clients: 1, ms: size.pick(1000, 3000) });
        figures[`by-builds-newest@${builds}`] = await rate(`builds?buildid__lt=${before}&order=-buildid&limit=50`);
        figures[`by-builds-properties@${builds}`] = await rate(`builds/${before}?property=*`);
        const times = await measureTimes(system, workers, samples(size), () => system.force(["builder-1"]));
        figures[`by-builds-force@${builds}`] = percentile(times, 0.5);
      });
    }
    return figures;
  },
};
