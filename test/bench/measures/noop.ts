import { insertRequests } from "../fill-database.ts";
import type { Figures, Measure } from "../measure.ts";
import type { Form, Side, System } from "../sides/side.ts";
import { waitUntilIdle, withSystem } from "../with-system.ts";

interface Amounts {
  readonly side: Side;
  readonly form: Form;
  readonly count: number;
  readonly warmUpMs: number;
}

/** Lets builds run for a while: a master that has just started is slower, since it compiles its code meanwhile. */
export async function warmUp(side: Side, system: System, warmUpMs: number): Promise<void> {
  const end = performance.now() + warmUpMs;
  do await runBuilds(side, system, 100);
  while (performance.now() < end);
}

/** Builds per second, of builds whose only step runs a command that takes no time. */
export async function buildsPerSecond({ side, form, count, warmUpMs }: Amounts): Promise<number> {
  return withSystem(side, { form }, async (system) => {
    await warmUp(side, system, warmUpMs);
    return runBuilds(side, system, count);
  });
}

/** Runs so many builds of one builder and returns their rate. */
export async function runBuilds(side: Side, system: System, count: number): Promise<number> {
  await insertRequests(side.postgres, system.database, count - 1);
  const begin = performance.now();
  // The last one comes as a user's would: it wakes the engine.
  await system.force(["builder-1"]);
  await waitUntilIdle(system);
  return count / ((performance.now() - begin) / 1000);
}

export const noop: Measure = {
  name: "noop",
  title: "No-op builds",
  about:
    "20 workers, one builder, one step whose command takes no time; requests wait as rows, one more wakes the engine.",
  rows: [
    {
      name: "noop",
      title: "no-op builds, one process",
      unit: "per s",
      better: "more",
      goal: { text: "≥ 20 ×", times: 20 },
      limit: "commits",
    },
  ],
  async run(side, { size }): Promise<Figures> {
    return {
      noop: await buildsPerSecond({
        side,
        form: "one process",
        count: size.pick(100, 600),
        warmUpMs: size.pick(2_000, 15_000),
      }),
    };
  },
};

export const noopCluster: Measure = {
  name: "noop-cluster",
  title: "No-op builds of a cluster",
  about: "The same with two engines, a scheduler, a ui and a router, five processes beside PostgreSQL.",
  sides: ["multimaster"],
  rows: [
    {
      name: "noop-cluster",
      title: "no-op builds, two engines + scheduler + ui + router",
      unit: "per s",
      better: "more",
      goal: { text: "≥ 1.5 × one process, where cores allow" },
      limit: "commits",
      alone: "several masters of Buildbot need crossbar.io, and are slower than one (0.7 ×)",
    },
  ],
  async run(side, { size }): Promise<Figures> {
    return {
      "noop-cluster": await buildsPerSecond({
        side,
        form: "cluster",
        count: size.pick(200, 600),
        warmUpMs: size.pick(2_000, 15_000),
      }),
    };
  },
};
