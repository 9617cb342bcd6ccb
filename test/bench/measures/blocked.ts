import { waitFor } from "../../harness/wait-for.ts";
import type { Figures, Measure, Row } from "../measure.ts";
import { slowestReadMs } from "../read-load.ts";
import type { Form, Side, System } from "../sides/side.ts";
import { waitUntilIdle, withSystem } from "../with-system.ts";

const row = (name: string, title: string, rest: Partial<Row> = {}): Row => ({
  name,
  title,
  unit: "ms",
  better: "less",
  ...rest,
});
const alone = "Buildbot's pages are always served by the process that runs the steps";

export const blocked: Measure = {
  name: "blocked",
  title: "A step that blocks its engine",
  about:
    "GET builders every 50 ms: idle, and while the code of a step computes for 5 s (quick: 2 s). In one process, and with the ui in a process of its own.",
  rows: [
    row("blocked-idle", "ui p99, idle, one process"),
    row("blocked-one", "ui p99 while a step blocks, one process"),
    row("blocked-one-ratio", "blocked / idle, one process", { unit: "×", goal: { text: "≤ 2 ×", at: 2 } }),
    row("blocked-split", "ui p99 while a step blocks, two processes", { alone }),
    row("blocked-split-ratio", "blocked / idle, two processes", {
      unit: "×",
      goal: { text: "≤ 1.2 ×", at: 1.2 },
      alone,
    }),
  ],
  async run(side, { size }): Promise<Figures> {
    const seconds = size.pick(2, 5);
    const one = await measureForm(side, "one process", seconds);
    const figures: Figures = {
      "blocked-idle": one.idle,
      "blocked-one": one.blocked,
      "blocked-one-ratio": one.blocked / one.idle,
    };
    if (side.name === "buildbot") return figures;
    const split = await measureForm(side, "split", seconds);
    return { ...figures, "blocked-split": split.blocked, "blocked-split-ratio": split.blocked / split.idle };
  },
};

function measureForm(side: Side, form: Form, blockSeconds: number): Promise<{ idle: number; blocked: number }> {
  return withSystem(side, { form, scene: { workers: 2, blockSeconds } }, async (system) => {
    const url = new URL("api/v2/builders", system.url);
    await slowestReadMs(url, 1000);
    const idle = await slowestReadMs(url, blockSeconds * 1000);
    await system.force(["blocking"]);
    await waitForStep(system);
    const blocked = await slowestReadMs(url, blockSeconds * 1000);
    await waitUntilIdle(system);
    return { idle, blocked };
  });
}

async function waitForStep(system: System): Promise<void> {
  const started = "select 1 from steps where name = 'block' and started_at is not null";
  await waitFor(async () => (await system.rows(started)).length > 0, { what: "the step to block", intervalMs: 10 });
}
