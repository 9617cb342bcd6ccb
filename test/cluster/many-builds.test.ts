import { upgradeDatabase } from "@multimaster/database";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configFile } from "../harness/cluster.ts";
import { percentile } from "../harness/figures.ts";
import { fillPostgres } from "../harness/fill-many-builds.ts";
import { heavyReads } from "../harness/heavy-reads.ts";
import { isLong } from "../harness/long-form.ts";
import { growing } from "../harness/many-builds.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { startPostgres, type TestPostgres } from "../harness/postgres.ts";
import {
  nodesOf,
  pagesTouched,
  type RanStatement,
  readPlans,
  rowsRead,
  settingsForPlans,
} from "../harness/read-plans.ts";
import { startCommand } from "../harness/run-master.ts";
import { openTestDatabase } from "../harness/test-databases.ts";
import { waitFor } from "../harness/wait-for.ts";

// `npm run test:many-builds` takes a quarter of an hour and 20 GB of disk; the same paths are checked with fewer builds, by
// what the server plans to do, in test/integration/rest/plans.test.ts.
const many = Number(process.env["MULTIMASTER_BUILDS"] ?? 10_000_000);
const few = 10_000;
/** Rows that a total reads: of every ten thousand, at least one in ten is counted. */
const maxCounted = 120_000;
/** Rows that a page of at most a thousand is made of. */
const maxRead = 20_000;
const maxPages = 50_000;
const config = configFile("test/cluster/configs/ledger/cluster.ts");
const large = new Set<string>(growing);

interface Side {
  readonly url: string;
  readonly ui: TestMaster;
}

/** Scans and sorts whose work grows with the history. */
function unbounded({ Plan }: RanStatement): string[] {
  return nodesOf(Plan).flatMap((node) => {
    const rows = (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0)) * node["Actual Loops"];
    const scans = node["Node Type"] === "Seq Scan" && large.has(node["Relation Name"] ?? "") && rows > 0;
    const sorts = node["Node Type"] === "Sort" && rows > maxRead;
    return scans || sorts ? [`${node["Node Type"]} ${node["Relation Name"] ?? ""} ${rows} rows`] : [];
  });
}
const isCount = (statement: RanStatement) => /^select count\(\*\) as n from \(select 1/.test(statement["Query Text"]);

describe.skipIf(!isLong)(`at ${many} builds (npm run test:many-builds)`, () => {
  const figures: string[] = [];
  let postgres: TestPostgres;
  let small: Side;
  let big: Side;

  beforeAll(async () => {
    postgres = await startPostgres({ settings });
    const side = async (builds: number): Promise<Side> => {
      const url = await postgres.createDatabase();
      await upgradeDatabase(await openTestDatabase(url));
      const began = Date.now();
      await fillPostgres(url, { builds, detailed: Math.min(builds, many * 0.4) }, report);
      report(`${builds} builds filled in`, (Date.now() - began) / 1000);
      return { url, ui: await startUi(url) };
    };
    small = await side(few);
    big = await side(many);
  }, 3_600_000);

  const startUi = async (url: string) => {
    const began = performance.now();
    const ui = await startMaster({
      config,
      roles: ["ui"],
      name: "front",
      env: { DATABASE_URL: url, UI_PORT: "0", LEASE: "15s", BUS: "notify" },
    });
    await ui.waitReady();
    report("a ui master ready", (performance.now() - began) / 1000);
    return ui;
  };
  const report = (what: string, seconds: number) =>
    void (seconds > 1 && console.log(`${seconds.toFixed(1)} s: ${what}`));
  const note = (line: string) => void figures.push(line);

  afterAll(() => console.log(figures.join("\n")));

  const pairs = heavyReads(many).map((each, i) => ({ ...each, same: heavyReads(few)[i]?.path as string }));
  it.each(pairs)("$page: $path is read by indexes", async ({ page, path, same }) => {
    const [fast, slow] = [await measure(small.ui, same), await measure(big.ui, path)];
    const statements = await readPlans(postgres, () => read(big.ui, path));
    note(
      `| ${page} | ${path.slice(0, 80)} | ${show(slow)} | ${show(fast)} | ${(percentile(slow, 0.5) / percentile(fast, 0.5)).toFixed(1)} | ${total(statements, pagesTouched)} | ${total(statements, rowsRead)} |`,
    );
    expectBounded(statements);
  });

  const masterEnv = (url: string) => ({
    DATABASE_URL: url,
    UI_PORT: "0",
    WORKER_PORT: "0",
    LEASE: "15s",
    BUS: "notify",
    POLL: "no",
    WORKER_PASSWORD: "secret",
  });
  const timed = async (what: string, act: () => Promise<unknown>) => {
    const began = performance.now();
    const statements = await readPlans(postgres, act);
    note(
      `| ${what} | ${((performance.now() - began) / 1000).toFixed(2)} s | ${total(statements, pagesTouched)} | ${total(statements, rowsRead)} |`,
    );
    return statements;
  };

  it.each([
    ["/metrics", "/metrics"],
    ["a badge", "/badges/builder-1.svg"],
    ["cc.xml of 1,000 builders", "/cc.xml"],
  ])("%s is read by indexes", async (what, path) => {
    const statements = await timed(what, async () => {
      const answer = await big.ui.fetch(path);
      expect([answer.status, (await answer.text()).length > 0]).toEqual([200, true]);
    });
    expectBounded(statements);
  });

  it("a master starts, takes work, drains and is evicted without reading the history", async () => {
    let engine: TestMaster | undefined;
    const start = await timed("start of a scheduler and engine, until ready", async () => {
      engine = await startMaster({
        config,
        roles: ["scheduler", "builder-engine"],
        name: "engine",
        env: masterEnv(big.url),
      });
      await engine.waitReady();
    });
    const force = await timed("a forced build, until it is known why it waits", async () => {
      const { body } = await big.ui.apiPost<{ result: [number, object] }>("forceschedulers/force", "force", {
        builderNames: ["job"],
        reason: "many",
      });
      const [bsid] = body.result;
      await waitFor(() => isWaiting(big.ui, bsid), { what: "the request to wait" });
    });
    const [dead] = await postgres.psql<{ masterid: number }>(
      "select max(masterid) as masterid from mm_leases where host = 'host' and buried_at is null",
      big.url,
    );
    const eviction = await timed("a dead master is found and evicted", async () => {
      const its = `masterid = ${dead?.masterid}`;
      await postgres.psql(`update mm_leases set expires_at = 1 where ${its}`, big.url);
      const buried = () => postgres.psql(`select 1 from mm_leases where ${its} and buried_at is not null`, big.url);
      await waitFor(async () => (await buried()).length > 0, { what: "the eviction", timeoutMs: 120_000 });
    });
    const drain = await timed("master drain --wait", async () => {
      const { code, stderr } = await command("drain", "engine", "--wait", "--url", await big.ui.url());
      expect(code, stderr).toBe(0);
    });
    const words = await timed("master builds, master status", async () => {
      for (const args of [
        ["builds", "--url", await big.ui.url()],
        ["status", "--config", config],
      ]) {
        const { code, stderr } = await command(...args);
        expect(code, stderr).toBe(0);
      }
    });
    for (const statements of [start, force, eviction, drain, words]) expectBounded(statements);
  });

  const command = async (...args: string[]) => {
    const running = await startCommand(args, masterEnv(big.url));
    const { code } = await running.waitForExit({ timeoutMs: 900_000 });
    return { code, stdout: running.stdout(), stderr: running.stderr() };
  };

  it("master audit reads all of it, and finds nothing", async () => {
    const findings = async (...args: string[]) => {
      const began = performance.now();
      const { stdout } = await command("audit", "--json", "--config", config, ...args);
      note(`| master audit ${args.join(" ")} | ${((performance.now() - began) / 1000).toFixed(1)} s |`);
      return (JSON.parse(stdout) as { findings: object[] }).findings;
    };
    expect(await findings("--since", "1d")).toEqual([]);
    expect(await findings()).toEqual([]);
  }, 1_800_000);
});

const total = (statements: readonly RanStatement[], of: (statement: RanStatement) => number) =>
  statements.reduce((sum, each) => sum + of(each), 0);

function expectBounded(statements: readonly RanStatement[]): void {
  expect(statements.length).toBeGreaterThan(0);
  for (const statement of statements) {
    const text = statement["Query Text"];
    if (isCount(statement)) expect(rowsRead(statement), text).toBeLessThan(maxCounted);
    else {
      expect(unbounded(statement), text).toEqual([]);
      expect(rowsRead(statement), text).toBeLessThan(maxRead);
      expect(pagesTouched(statement), text).toBeLessThan(maxPages);
    }
  }
}

/** A server that may lose what it has, to be filled fast. */
const settings = {
  ...settingsForPlans,
  fsync: "off",
  full_page_writes: "off",
  wal_level: "minimal",
  max_wal_senders: 0,
  max_wal_size: "4GB",
  shared_buffers: "2GB",
};

const asks = 30;

/** Milliseconds of each of some answers, after one that warms up. */
async function measure(ui: TestMaster, path: string): Promise<number[]> {
  await read(ui, path);
  const times: number[] = [];
  for (let n = 0; n < asks; n++) {
    const began = performance.now();
    await read(ui, path);
    times.push(performance.now() - began);
  }
  return times;
}

async function read(ui: TestMaster, path: string): Promise<void> {
  const { status, body } = await ui.api(path);
  expect(status, JSON.stringify(body)).toBe(200);
}

async function isWaiting(ui: TestMaster, bsid: number): Promise<boolean> {
  const { body } = await ui.api<{ waiting: { buildsetid: number; reasons: object[] }[] }>("builders/job/waiting");
  return body.waiting.some(({ buildsetid, reasons }) => buildsetid === bsid && reasons.length > 0);
}

const show = (times: readonly number[]) =>
  `${percentile(times, 0.5).toFixed(1)} / ${percentile(times, 0.99).toFixed(1)} ms`;
