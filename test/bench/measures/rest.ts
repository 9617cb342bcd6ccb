import { fillHistory } from "../fill-database.ts";
import type { Figures, Measure, Row } from "../measure.ts";
import { readsPerSecond } from "../read-load.ts";

const row = (name: string, title: string, rest: Partial<Row> = {}): Row => ({
  name,
  title,
  unit: "per s",
  better: "more",
  limit: "http",
  ...rest,
});
const goal = { text: "≥ 20 ×", times: 20 };

export const rest: Measure = {
  name: "rest",
  title: "REST",
  about:
    "GETs per second over connections that stay, on a history of builds with twelve properties each. Each of the 16 clients has an address of its own.",
  rows: [
    row("rest-before-16", "16 clients: 50 builds before an id", { goal }),
    row("rest-build-16", "16 clients: a build with all properties", { goal }),
    row("rest-builders", "one client: builders"),
    row("rest-newest", "one client: 50 newest builds"),
    row("rest-properties", "one client: 50 newest builds with properties"),
    row("rest-requests", "one client: 50 newest requests"),
  ],
  async run(side, { size }): Promise<Figures> {
    const system = await side.start({ scene: { builders: 20 } });
    try {
      await fillHistory(side.postgres, system.database, size.pick(2000, 10_000));
      const [newest] = await system.rows<{ id: number }>("select max(id) as id from builds");
      const before = (newest?.id ?? 0) - 500;
      const reads = [
        ["rest-before-16", `builds?buildid__lt=${before}&order=-buildid&limit=50`, 16],
        ["rest-build-16", `builds/${before}?property=*`, 16],
        ["rest-builders", "builders", 1],
        ["rest-newest", "builds?order=-buildid&limit=50", 1],
        ["rest-properties", "builds?order=-buildid&limit=50&property=*", 1],
        ["rest-requests", "buildrequests?order=-buildrequestid&limit=50", 1],
      ] as const;
      const figures: Figures = {};
      for (const [name, path, clients] of reads) {
        const url = new URL(`api/v2/${path}`, system.url);
        figures[name] = await readsPerSecond(url, { clients, ms: size.pick(600, 3000) });
      }
      return figures;
    } finally {
      await system.stop();
    }
  },
};
