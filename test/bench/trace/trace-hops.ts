import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { percentile } from "../../harness/figures.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import type { Form, Side } from "../sides/side.ts";
import { shown } from "../statistics.ts";
import { waitUntilIdle, withSystem } from "../with-system.ts";

const preload = fileURLToPath(new URL("preload.mjs", import.meta.url));

/** The hops of a change, in order; the first note of each after the hook was sent counts. */
const hops = [
  ["hook received", "hook received"],
  ["change committed", "change committed"],
  ["hook answered", "hook answered"],
  ["request committed", "scheduler's decision committed"],
  ["message received", "next master woken by a message"],
  ["claim committed", "engine's claim committed"],
  ["build committed", "build created"],
  ["command sent", "command sent"],
  ["at the worker", "command at the worker"],
] as const;

interface Note {
  readonly at: number;
  readonly what: string;
}

/** A table of the hops of a change hook, each with milliseconds since the hook was sent: one process, and two. */
export async function traceHops(
  side: Side,
  samples: number,
  forms: readonly Form[] = ["one process", "split"],
): Promise<string> {
  const tables: string[] = [];
  for (const form of forms) tables.push(`hops of a change hook, ${form}:\n${await traceForm(side, form, samples)}`);
  return tables.join("\n");
}

async function traceForm(side: Side, form: Form, samples: number): Promise<string> {
  const file = join(temporaryDirectory("trace"), "trace");
  const options = { form, env: { BENCH_TRACE: file }, nodeArgs: ["--import", preload] };
  return withSystem(side, options, async (system, workers) => {
    const runs: { sent: number; begun: number }[] = [];
    for (let sample = 0; sample < samples + 2; sample++) {
      await waitUntilIdle(system);
      await sleep(150);
      const begun = workers.nextCommand();
      const sent = now();
      await system.sendChange();
      runs.push({ sent, begun: performance.timeOrigin + (await begun).at });
    }
    await waitUntilIdle(system);
    await sleep(500);
    const notes = readFileSync(file, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Note)
      .sort((a, b) => a.at - b.at);
    // The first ones load code.
    return tableOf(runs.slice(2).map(({ sent, begun }) => timesOf(notes, sent, begun)));
  });
}

function timesOf(notes: readonly Note[], sent: number, begun: number): Map<string, number> {
  const times = new Map<string, number>();
  let earliest = sent;
  for (const [what] of hops) {
    const found =
      what === "at the worker" ? { at: begun } : notes.find((note) => note.what === what && note.at >= earliest);
    if (!found || found.at > begun + 50) continue;
    times.set(what, found.at - sent);
    // A message that counts comes after the decision.
    if (what === "request committed") earliest = found.at;
  }
  return times;
}

function tableOf(runs: readonly Map<string, number>[]): string {
  let before = 0;
  const lines = hops.flatMap(([what, title]) => {
    const times = runs.flatMap((run) => run.get(what) ?? []);
    if (times.length === 0) return [];
    const median = percentile(times, 0.5);
    const step = median - before;
    before = median;
    const [at, more] = [`${shown(median)} ms`, `${step < 0 ? "-" : "+"}${shown(Math.abs(step))}`];
    return [`  ${title.padEnd(34)} ${at.padStart(9)}  ${more.padStart(7)}`];
  });
  return lines.join("\n");
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
