import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startMaster, type TestMaster } from "../harness/master.ts";
import type { TestPostgres } from "../harness/postgres.ts";
import { waitFor } from "../harness/wait-for.ts";

export interface FarmSize {
  readonly workers: number;
  readonly builders: number;
  readonly pending: number;
}

const reads = [
  "workers",
  "workers?order=name&limit=100&offset=0",
  "workers?field=workerid&field=name",
  "workers/1",
  "builders/1/workers",
  "builders",
  "waiting",
  "waiting?order=since&limit=300",
  "waiting?limit=50",
  "builders/1/waiting",
  "waiting/builders",
  "members",
];
const roundsOfReads = 5;
/** Filling configured_workers takes minutes: it is measured where it is asked for. */
const withMirror = process.env["FARM_MIRROR"] === "1";

/** What one thing costs. */
export interface Cost {
  readonly ms: number;
  /** Seconds of a processor that the master took, where it is known. */
  readonly cpu?: number;
  /** Rows inserted, changed or deleted; 0 for a read. */
  readonly rows: number;
  readonly bytes: number;
}

type Costs = Map<string, Cost>;

function describeCost(cost: Cost): string {
  const cpu = cost.cpu === undefined ? "" : ` (${cost.cpu.toFixed(2)} s of a processor)`;
  return `${cost.ms.toFixed(0)} ms${cpu} ${cost.rows > 0 ? `${cost.rows} rows` : `${(cost.bytes / 1000).toFixed(0)} kB`}`;
}

function processorSeconds({ process: { pid } }: TestMaster): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/**
 * A farm where every builder may run on every worker: what its engines write when they start, and what its lists cost. Each
 * cost is passed to `note` as well.
 */
export class Farm {
  #postgres: TestPostgres;
  #database: string;
  #checkout: string;
  #size: FarmSize;
  #note: (text: string) => void;
  #costs: Costs = new Map();

  constructor(
    { postgres, database, checkout }: { postgres: TestPostgres; database: string; checkout: string },
    size: FarmSize,
    note: (text: string) => void,
  ) {
    this.#postgres = postgres;
    this.#database = database;
    this.#checkout = checkout;
    this.#size = size;
    this.#note = note;
  }

  async measure(): Promise<Costs> {
    const first = await this.#start("engine-a", "first start of an engine");
    await this.#start("engine-b", "start of another engine");
    await this.#cost("end of an engine", () => first.stop());
    const again = await this.#start("engine-a", "start with the same config");
    await again.stop();
    const changed = await this.#start("engine-a", "start with one builder changed", { FARM_CHANGED: "builder-7" });
    await this.#fill();
    await this.#measureReads();
    if (withMirror) await this.#measureMirror(changed);
    await changed.stop();
    return this.#costs;
  }

  async #start(name: string, what: string, env: Record<string, string> = {}): Promise<TestMaster> {
    let master: TestMaster | undefined;
    let ready = 0;
    await this.#cost(what, async () => {
      master = await this.#startMaster(name, ["builder-engine"], env);
      await master.waitReady(120_000);
      ready = processorSeconds(master);
    });
    const cost = this.#costs.get(what) as Cost;
    this.#costs.set(what, { ...cost, cpu: ready });
    return master as TestMaster;
  }

  #startMaster(name: string, roles: readonly string[], env: Record<string, string> = {}): Promise<TestMaster> {
    return startMaster({
      program: join(this.#checkout, "packages/cli/bin/master.mjs"),
      config: join(this.#checkout, "test/bench/farm-config.ts"),
      roles,
      name,
      env: {
        DATABASE_URL: this.#database,
        FARM_WORKERS: String(this.#size.workers),
        FARM_BUILDERS: String(this.#size.builders),
        ...env,
      },
    });
  }

  async #cost(what: string, act: () => Promise<unknown>): Promise<void> {
    const before = await this.#rowsWritten();
    const start = performance.now();
    await act();
    const ms = performance.now() - start;
    const cost = { ms, rows: (await this.#rowsWritten()) - before, bytes: 0 };
    this.#costs.set(what, cost);
    this.#note(`${what}: ${describeCost(cost)}`);
  }

  /** Sessions report what they wrote when they have been idle for ten seconds. */
  async #rowsWritten(): Promise<number> {
    await new Promise((done) => setTimeout(done, 11_000));
    const rows = await this.#postgres.psql<{ table: string; n: string }>(
      "select relname as table, n_tup_ins + n_tup_upd + n_tup_del as n from pg_stat_user_tables where relname <> 'mm_leases'",
      this.#database,
    );
    return rows.reduce((sum, { n }) => sum + Number(n), 0);
  }

  /** Half of the workers are connected to each engine, and paused; each builder has as many requests that wait. */
  async #fill(): Promise<void> {
    await this.#postgres.psql(
      `insert into connected_workers (masterid, workerid)
         select case when w.id % 2 = 0 then (select id from masters where name = 'engine-a') else (select id from masters where name = 'engine-b') end, w.id
           from workers w;
       update workers set paused = 1;
       insert into buildsets (external_idstring, reason, submitted_at, complete, results) values ('farm', 'farm', 1, 0, -1);
       insert into buildrequests (buildsetid, builderid, priority, complete, results, submitted_at, waited_for)
         select (select min(id) from buildsets), b.id, 0, 0, -1, n, 0
           from builders b, generate_series(1, ${this.#size.pending} / (select count(*)::int from builders)) n order by n, b.id;
       analyze`,
      this.#database,
    );
  }

  async #measureReads(): Promise<void> {
    const ui = await this.#startMaster("ui", ["ui"]);
    await ui.waitReady();
    const url = await ui.url();
    for (const path of reads) {
      const before = processorSeconds(ui);
      let best: Cost = { ms: Number.POSITIVE_INFINITY, rows: 0, bytes: 0 };
      for (let round = 0; round < roundsOfReads; round++) {
        const start = performance.now();
        const answer = await fetch(new URL(`api/v2/${path}`, url), { headers: { accept: "application/json" } });
        const bytes = (await answer.arrayBuffer()).byteLength;
        if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}`);
        const ms = performance.now() - start;
        if (ms < best.ms) best = { ms, rows: 0, bytes };
      }
      best = { ...best, cpu: (processorSeconds(ui) - before) / roundsOfReads };
      this.#costs.set(`GET ${path}`, best);
      this.#note(`GET ${path}: ${describeCost(best)}`);
    }
    const status = readFileSync(`/proc/${ui.process.pid}/status`, "utf8");
    const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1000;
    this.#costs.set("most memory of the ui", { ms: 0, rows: 0, bytes: peak });
    await ui.stop();
  }

  /** With a Buildbot master alive, configured_workers has a row for each pair; then an engine dies and is evicted. */
  async #measureMirror(engine: TestMaster): Promise<void> {
    await this.#cost("rows for a Buildbot master", async () => {
      await this.#postgres.psql(
        "insert into masters (name, name_hash, active, last_active) values ('buildbot', 'buildbot', 1, extract(epoch from now())::int)",
        this.#database,
      );
      const pairs = async () => {
        const [row] = await this.#postgres.psql<{ n: string }>(
          "select count(*) as n from mm_builder_workers where mirrored = 0",
          this.#database,
        );
        return Number(row?.n);
      };
      await waitFor(async () => (await pairs()) === 0, { what: "the mirror to be whole", timeoutMs: 300_000 });
    });
    await this.#cost("eviction of an engine with those rows", async () => {
      await engine.kill9();
      const gone = async () => {
        const rows = await this.#postgres.psql(
          "select 1 from builder_masters bm join masters m on m.id = bm.masterid where m.name = 'engine-a' limit 1",
          this.#database,
        );
        return rows.length === 0;
      };
      await waitFor(gone, { what: "the eviction", timeoutMs: 120_000 });
    });
  }
}
