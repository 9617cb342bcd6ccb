import { describeMs } from "../../harness/figures.ts";
import type { Figures, Measure } from "../measure.ts";
import { measureRouterLoss } from "../router-loss.ts";

export const router: Measure = {
  name: "router",
  title: "The router is killed",
  about:
    "A ui, a scheduler and two engines; parents whose children run at the other engine follow each other. The longest time between two commands for 30 s (quick: 5 s) after SIGKILL to the router.",
  sides: ["multimaster"],
  rows: [
    {
      name: "router",
      title: "router killed: longest time between commands",
      unit: "s",
      better: "less",
      goal: { text: "≤ 0.5 s", at: 0.5 },
      alone: "Buildbot's masters stop for good",
    },
    {
      name: "router-polling",
      title: "the same where masters only poll",
      unit: "s",
      better: "less",
      alone: "Buildbot's masters stop for good",
    },
  ],
  async run(_side, { size, note }): Promise<Figures> {
    const seconds = size.pick(5, 30);
    const woken = await measureRouterLoss({}, seconds);
    note(`times between commands: ${describeMs(woken.before)}; without the router: ${describeMs(woken.without)}`);
    const figures: Figures = { router: Math.max(...woken.without) / 1000 };
    if (size.quick) return figures;
    const polling = await measureRouterLoss({ BUS: "router alone" }, seconds);
    return { ...figures, "router-polling": Math.max(...polling.without) / 1000 };
  },
};
