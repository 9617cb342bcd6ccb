import { type Cost, Farm } from "../farm.ts";
import type { Figures, Measure, Row } from "../measure.ts";
import { Multimaster } from "../sides/multimaster.ts";

const row = (name: string, title: string, unit: Row["unit"], rest: Partial<Row> = {}): Row => ({
  name,
  title,
  unit,
  better: "less",
  ...rest,
});

export const farm: Measure = {
  name: "farm",
  title: "A farm",
  about:
    "500 builders (quick: 50), each of which may run on each of 2,000 workers (quick: 200); 20,000 requests wait (quick: 2,000). Buildbot only starts: it writes a row for each pair.",
  quick: false,
  rows: [
    row("farm-start", "first start of an engine with 500 × 2,000", "s"),
    row("farm-again", "its start with the same config", "s"),
    row("farm-workers", "GET workers there", "ms", { alone: "Buildbot's side only starts" }),
    row("farm-waiting", "GET waiting there", "ms", { alone: "Buildbot has no such list" }),
  ],
  async run(side, { size, note }): Promise<Figures> {
    const amounts = { workers: size.pick(200, 2000), builders: size.pick(50, 500), pending: size.pick(2000, 20_000) };
    const database = await side.newDatabase();
    if (!(side instanceof Multimaster)) {
      const options = { scene: amounts, database, timeoutMs: 1_200_000 };
      const first = await side.start(options);
      await first.stop();
      const again = await side.start(options);
      await again.stop();
      return { "farm-start": first.readyMs / 1000, "farm-again": again.readyMs / 1000 };
    }
    const costs = await new Farm(
      { postgres: side.postgres, database, checkout: side.checkout },
      amounts,
      note,
    ).measure();
    const ms = (what: string) => (costs.get(what) as Cost).ms;
    return {
      "farm-start": ms("first start of an engine") / 1000,
      "farm-again": ms("start with the same config") / 1000,
      "farm-workers": ms("GET workers"),
      "farm-waiting": ms("GET waiting"),
    };
  },
};
