import { join, resolve } from "node:path";
import { cleanUp } from "../harness/cleanup.ts";
import { waitForWorkers } from "../harness/cluster.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { startOwnWorker } from "../harness/own-worker.ts";
import { startPostgres, type TestPostgres } from "../harness/postgres.ts";
import { fillHistory, insertRequests } from "./fill-database.ts";
import { readsPerSecond } from "./reads-per-second.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 2);
const builds = Number(process.env["BENCH_BUILDS"] ?? 300);
const profile = process.env["BENCH_PROFILE"];
const workers = Array.from({ length: 8 }, (_, i) => `w${i + 1}`);
const password = "secret of the workers";

const reads = {
  builders: "builders",
  "50 newest builds": "builds?order=-buildid&limit=50",
  "50 newest builds, properties": "builds?order=-buildid&limit=50&property=*",
};

/** Measures the checkouts in turns and prints the best round of each: what the machine did beside it only slows down. */
export async function bench(checkouts: readonly string[]): Promise<void> {
  const postgres = await startPostgres({ settings: { shared_buffers: "256MB" } });
  const best = checkouts.map(() => new Map<string, number>());
  for (let round = 0; round < rounds; round++) {
    for (const [i, checkout] of checkouts.entries()) {
      for (const [what, rate] of await measure(postgres, resolve(checkout))) {
        console.log(`round ${round + 1}\t${checkout}\t${what}\t${rate.toFixed(1)}`);
        best[i]?.set(what, Math.max(rate, best[i]?.get(what) ?? 0));
      }
    }
  }
  await cleanUp();
  console.log(["per second", ...checkouts.map((checkout) => resolve(checkout)), "first / others"].join("\t"));
  for (const [what, rate] of best[0] ?? []) {
    const rates = best.map((rows) => rows.get(what) ?? Number.NaN);
    const ratios = rates.slice(1).map((other) => (rate / other).toFixed(2));
    console.log([what, ...rates.map((one) => one.toFixed(1)), ...ratios].join("\t"));
  }
}

async function measure(postgres: TestPostgres, checkout: string): Promise<Map<string, number>> {
  const database = await postgres.createDatabase();
  const master = await startMaster({
    program: join(checkout, "packages/cli/bin/master.mjs"),
    nodeArgs: profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`],
    config: join(checkout, "test/bench/cluster.ts"),
    env: { DATABASE_URL: database, WORKERS: workers.join(","), WORKER_PASSWORD: password },
  });
  await master.waitReady();
  const port = await master.workerPort();
  const attached = await Promise.all(workers.map((name) => startOwnWorker({ port, name, password })));
  await waitForWorkers(master, workers);
  await runBuilds(postgres, database, master, builds / 4);
  const rates = new Map([["no-op builds", builds / (await runBuilds(postgres, database, master, builds))]]);
  await Promise.all(attached.map((worker) => worker.stop()));

  await fillHistory(postgres, database, 10_000);
  const url = new URL("api/v2/", await master.url());
  for (const [what, path] of Object.entries(reads)) rates.set(what, await readsPerSecond(new URL(path, url)));
  await master.stop();
  return rates;
}

/** Seconds until all of so many builds are complete. */
async function runBuilds(postgres: TestPostgres, database: string, master: TestMaster, count: number): Promise<number> {
  await insertRequests(postgres, database, count - 1);
  const open = async () => Number((await postgres.psql(openRequests, database))[0]?.["n"]);
  const start = performance.now();
  // The last one comes as a user's would: it wakes the engine.
  await master.apiPost("forceschedulers/force", "force", { builderNames: ["noop"], reason: "bench" });
  while ((await open()) > 0) await new Promise((done) => setTimeout(done, 20));
  return (performance.now() - start) / 1000;
}

const openRequests = "select count(*) as n from buildrequests where complete = 0";
