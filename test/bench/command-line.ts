import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cleanUp } from "../harness/cleanup.ts";
import { startPostgres, type TestPostgres } from "../harness/postgres.ts";
import { describeBusy, describeMachine } from "./machine.ts";
import type { Measure, Size } from "./measure.ts";
import { measures } from "./measures/index.ts";
import { pageOf } from "./report/page.ts";
import { textOf } from "./report/text.ts";
import { type Results, runMeasures } from "./run-measures.ts";
import { Buildbot } from "./sides/buildbot.ts";
import { Multimaster } from "./sides/multimaster.ts";
import type { Side } from "./sides/side.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

const usage = `Usage: npm run bench -- [MEASURE…] [options]

Measures this project and a real Buildbot 4.3.0 in turns, on the same PostgreSQL, with the same simulated workers, and
writes a table, JSON and a page with plots. Machines are noisy: only ratios mean anything. docs/benchmarks.md

  --quick              small amounts and one round: within five minutes
  --rounds N           rounds of each measure (default: 3; quick: 1)
  --only SIDE          multimaster or buildbot
  --checkout DIRECTORY another built checkout of this project to measure beside (repeatable)
  --builds N           builds of the longest history of by-builds (default: 1000000)
  --durable            PostgreSQL waits for the disk at each commit
  --profile DIRECTORY  one .cpuprofile for each master of this project
  --out DIRECTORY      where report.txt, report.json and report.html go (default: .cache/bench/TIME)
  --help               this text

Measures:
${measures.map(({ name, title, quick }) => `  ${name.padEnd(14)} ${title}${quick === false ? " (not in the quick form)" : ""}`).join("\n")}`;

class UsageError extends Error {}

interface Choice {
  readonly chosen: readonly Measure[];
  readonly size: Size;
  readonly rounds: number;
  readonly only: string | undefined;
  readonly checkouts: readonly string[];
  readonly durable: boolean;
  readonly profile: string | undefined;
  readonly out: string;
}

/** Runs what the arguments ask for; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(usage);
    return 0;
  }
  let choice: Choice;
  try {
    choice = readChoice(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  const results = await measure(choice);
  report(results, choice.out);
  return results.failures.length > 0 ? 1 : 0;
}

function readChoice(args: readonly string[]): Choice {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      only: { type: "string" },
      checkout: { type: "string", multiple: true, default: [] },
      builds: { type: "string", default: "1000000" },
      durable: { type: "boolean", default: false },
      profile: { type: "string" },
      out: { type: "string" },
    },
  });
  const unknown = positionals.filter((name) => !measures.some((measure) => measure.name === name));
  if (unknown.length > 0) throw new UsageError(`no measure is called ${unknown.join(", ")}`);
  const { quick } = values;
  const rounds = Number(values.rounds ?? (quick ? 1 : 3));
  const builds = Number(values.builds);
  if (!(rounds >= 1)) throw new UsageError("--rounds must be a number, 1 or more");
  if (!(builds >= 1000)) throw new UsageError("--builds must be a number, 1000 or more");
  if (values.only !== undefined && !["multimaster", "buildbot"].includes(values.only))
    throw new UsageError("--only must be multimaster or buildbot");
  return {
    chosen: measures.filter(({ name, quick: inQuick }) =>
      positionals.length > 0 ? positionals.includes(name) : !quick || inQuick !== false,
    ),
    size: { quick, builds: quick ? 10_000 : builds, pick: (few, many) => (quick ? few : many) },
    rounds,
    only: values.only,
    checkouts: values.checkout.map((directory) => resolve(directory)),
    durable: values.durable,
    profile: values.profile,
    out: resolve(
      values.out ?? join(root, ".cache", "bench", new Date().toISOString().slice(0, 19).replaceAll(":", "-")),
    ),
  };
}

async function measure({ chosen, size, rounds, only, checkouts, durable, profile }: Choice): Promise<Results> {
  const settings = { shared_buffers: "512MB", ...(durable && { fsync: "on", full_page_writes: "on" }) };
  const postgres = await startPostgres({ settings });
  try {
    const nodeArgs = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${resolve(profile)}`];
    const ours = [root, ...checkouts].map((checkout) => new Multimaster(postgres, checkout, nodeArgs));
    const sides = [...(only === "buildbot" ? [] : ours), ...(only === "multimaster" ? [] : findBuildbot(postgres))];
    const busy = describeBusy();
    const machine = {
      ...(busy !== undefined && { warning: busy }),
      ...describeMachine(),
      commits: durable ? "wait for the disk" : "do not wait for the disk",
    };
    return await runMeasures({ measures: chosen, sides, postgres, size, rounds, machine, print: console.log });
  } finally {
    await cleanUp();
  }
}

/** No figures of Buildbot are better than no figures at all. */
function findBuildbot(postgres: TestPostgres): Side[] {
  try {
    return [new Buildbot(postgres)];
  } catch (error) {
    console.log(`Buildbot cannot be measured beside: ${(error as Error).message}`);
    return [];
  }
}

function report(results: Results, directory: string): void {
  mkdirSync(directory, { recursive: true });
  const text = textOf(results);
  writeFileSync(join(directory, "report.txt"), text);
  writeFileSync(join(directory, "report.json"), `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(join(directory, "report.html"), pageOf(results));
  console.log(`\n${text}\nreports: ${directory}`);
}
