import type { Figures, Measure } from "../measure.ts";
import { numbered } from "../sides/side.ts";
import { waitUntilIdle, withSystem } from "../with-system.ts";

export const buildset: Measure = {
  name: "buildset",
  title: "One large buildset",
  about:
    "One forced buildset of 500 builders (quick: 100) on 20 workers with four slots each, from the request until the last build has ended.",
  rows: [
    {
      name: "buildset",
      title: "builds of one buildset of 500 builders (quick: 100)",
      unit: "per s",
      better: "more",
      limit: "commits",
    },
  ],
  async run(side, { size }): Promise<Figures> {
    const builders = size.pick(100, 500);
    return withSystem(side, { scene: { builders } }, async (system) => {
      await system.force(["builder-1"]);
      await waitUntilIdle(system);
      const begin = performance.now();
      await system.force(numbered("builder", builders));
      await waitUntilIdle(system);
      return { buildset: builders / ((performance.now() - begin) / 1000) };
    });
  },
};
