import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { cleanUp } from "../harness/cleanup.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { startPostgres, type TestPostgres } from "../harness/postgres.ts";
import { fillHistory } from "./fill-database.ts";
import { HttpClient } from "./http-client.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 5);
const sliceMs = Number(process.env["BENCH_SLICE_MS"] ?? 1000);
const builds = Number(process.env["BENCH_BUILDS"] ?? 10_000);
const only = process.env["BENCH_ONLY"];
const profile = process.env["BENCH_PROFILE"];

interface Read {
  readonly what: string;
  readonly clients: number;
  /** The path of the nth request. */
  path(n: number): string;
}

/** Another one each time, so that no two of the clients' requests are the same. */
const someBuild = (n: number) => 100 + ((n * 7919) % (builds - 100));

const reads: readonly Read[] = [
  { what: "builders", clients: 1, path: () => "builders" },
  { what: "50 newest builds", clients: 1, path: () => "builds?order=-buildid&limit=50" },
  { what: "50 newest builds, properties", clients: 1, path: () => "builds?order=-buildid&limit=50&property=*" },
  { what: "50 newest requests", clients: 1, path: () => "buildrequests?order=-buildrequestid&limit=50" },
  {
    what: "50 builds before an id",
    clients: 16,
    path: (n) => `builds?buildid__lt=${someBuild(n)}&order=-buildid&limit=50`,
  },
  { what: "a build, properties", clients: 16, path: (n) => `builds/${someBuild(n)}?property=*` },
];

/**
 * REST reads per second of a ui master of each checkout, over one database. They are asked in turns, for a second each:
 * what else the machine does slows all of them.
 */
export async function benchRest(checkouts: readonly string[]): Promise<void> {
  const postgres = await startPostgres({ settings: { shared_buffers: "256MB" } });
  const database = await postgres.createDatabase();
  const masters: TestMaster[] = [];
  for (const checkout of checkouts) masters.push(await startUi(resolve(checkout), database));
  await fill(postgres, database);
  const urls = await Promise.all(masters.map((master) => master.url()));
  console.log(["per second", "clients", ...checkouts, "first / others", "processor of the master, each"].join("\t"));
  for (const read of reads) {
    if (only !== undefined && !read.what.includes(only)) continue;
    const rates: number[][] = urls.map(() => []);
    const costs: number[][] = urls.map(() => []);
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      for (const [i, url] of urls.entries()) {
        const before = processorSeconds(masters[i] as TestMaster);
        const { answers, seconds } = await measure(new URL("api/v2/", url), read);
        if (round === 0) continue;
        rates[i]?.push(answers / seconds);
        costs[i]?.push(((processorSeconds(masters[i] as TestMaster) - before) * 1e6) / answers);
      }
    }
    const middle = rates.map(median);
    const ratios = middle.slice(1).map((other) => ((middle[0] as number) / other).toFixed(2));
    const processor = costs.map((each) => `${median(each).toFixed(0)} us`);
    console.log(
      [read.what, read.clients, ...middle.map((rate) => rate.toFixed(0)), ...ratios, ...processor].join("\t"),
    );
  }
  for (const master of masters) await master.stop();
  await cleanUp();
}

async function startUi(checkout: string, database: string): Promise<TestMaster> {
  const master = await startMaster({
    program: join(checkout, "packages/cli/bin/master.mjs"),
    nodeArgs: profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`],
    config: join(checkout, "test/bench/cluster.ts"),
    roles: ["ui"],
    env: { DATABASE_URL: database, BUS: "notify", WORKER_PASSWORD: "secret of the workers" },
  });
  await master.waitReady();
  return master;
}

async function fill(postgres: TestPostgres, database: string): Promise<void> {
  await postgres.psql(
    `insert into masters (name, name_hash, active, last_active) values ('engine', 'engine', 1, 1);
     insert into builders (name, name_hash) select 'builder-' || n, 'builder-' || n from generate_series(1, 20) n;
     insert into builder_masters (builderid, masterid) select b.id, m.id from builders b, masters m where m.name = 'engine';
     insert into tags (name, name_hash) values ('nightly', 'nightly');
     insert into builders_tags (builderid, tagid) select b.id, t.id from builders b, tags t where b.id % 2 = 0;
     insert into workers (name, info, paused, graceful) values ('w1', '{}', 0, 0);`,
    database,
  );
  await fillHistory(postgres, database, builds);
}

/** What a master took of the processors: on a busy machine, the figure that varies least. */
function processorSeconds({ process: { pid } }: TestMaster): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function measure(url: URL, { clients, path }: Read): Promise<{ answers: number; seconds: number }> {
  const end = performance.now() + sliceMs;
  let answers = 0;
  async function ask(): Promise<void> {
    const client = new HttpClient(url);
    while (performance.now() < end) {
      await client.get(`${url.pathname}${path(next++)}`);
      answers += 1;
    }
    client.close();
  }
  const start = performance.now();
  await Promise.all(Array.from({ length: clients }, ask));
  return { answers, seconds: (performance.now() - start) / 1000 };
}

let next = 0;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
