import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { configFile } from "../harness/cluster.ts";
import { isLong } from "../harness/long-form.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { join as joinCluster } from "../harness/members.ts";
import { runSchemathesis } from "../harness/schemathesis.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { type Engine, engines, newDatabaseUrl, openTestDatabase } from "../harness/test-databases.ts";
import { waitFor } from "../harness/wait-for.ts";
import { sharpen } from "./sharpened-description.ts";

const seed = 20261124;

/**
 * Requests made up from the description of the API, sent to a master that schedules, builds and serves. No answer may be
 * a fault of the server, and each must be as described. What was found once is in the tests of its part. In `npm test`,
 * test/integration/rest/fuzzed.test.ts does the same without a master.
 */
describe.runIf(isLong).each(engines)("what the description of the API allows, and more, on %s", (engine) => {
  it("is answered as described, and never with a fault", async () => {
    const { master, idle, url } = await startBusyMaster(engine);
    const { body } = await master.api<object>("openapi.json");
    const description = sharpen(body);
    const read = await runSchemathesis({
      ...{ description, url, seed, method: "GET" },
      ...{ examples: 75, limits: true },
    });
    const calls = await runSchemathesis({
      ...{ description, url, seed, method: "POST" },
      ...{ examples: 600, limits: true },
      // A drain of the master that answers would end the test. This one is alive, too, and carries no command out.
      fixed: { paths: "/masters/\\{masterid\\}$", parameters: { "path.masterid": idle } },
    });
    console.log(
      `${engine}: ${read.requests} reads of ${read.operations} paths, ${calls.requests} calls of ${calls.operations}`,
    );
    expect(read.failures).toBe("");
    expect(calls.failures).toBe("");
    expect([read.operations > 100, calls.operations > 10]).toEqual([true, true]);
    // What went wrong after the status was sent is only in the log.
    expect(master.logLines().filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
    expect(master.process.exit()).toBeUndefined();
    expect((await master.fetch("health")).status).toBe(200);
  }, 3_600_000);
});

/** Finished, failed, running and waiting builds, changes, an order, and a second member of the cluster. */
async function startBusyMaster(engine: Engine): Promise<{ master: TestMaster; idle: number; url: string }> {
  const directory = temporaryDirectory("fuzzed");
  const gates = join(directory, "gates");
  mkdirSync(gates);
  writeFileSync(join(gates, "open"), "");
  const databaseUrl = await newDatabaseUrl(engine);
  const master = await startMaster({
    config: configFile("test/cluster/configs/command-line/cluster.ts"),
    name: "fuzzed",
    env: { DATABASE_URL: databaseUrl, BASEDIR: join(directory, "workers"), GATE: gates },
  });
  await master.waitReady();
  const force = async (builder: string, params: object = {}) => {
    const { status } = await master.apiPost("forceschedulers/force", "force", { builderNames: [builder], ...params });
    expect(status).toBe(200);
  };
  const count = async (path: string) => (await master.api<{ meta: { total: number } }>(path)).body.meta.total;
  await force("web");
  await force("web", { code: 3 });
  const change = {
    author: "Ann <ann@example.org>",
    comments: "c",
    branch: "main",
    files: ["a"],
    properties: { p: [1] },
  };
  expect((await master.apiPost("changes", "add", change)).status).toBe(200);
  await waitFor(async () => (await count("builds?complete=true")) === 2, {
    what: "two builds to end",
    timeoutMs: 90_000,
  });
  await force("web", { gate: "never" });
  await force("absent");
  await force("web");
  await waitFor(() => count("builds?complete=false"), { what: "a build to run" });

  const database = await openTestDatabase(databaseUrl);
  const { lease } = await joinCluster(database, { defaultBase: "idle", leaseMs: 3_600_000 });
  expect((await master.apiPost(`masters/${lease.masterid}`, "drain", { reason: "r" })).status).toBe(200);
  return { master, idle: lease.masterid, url: new URL("api/v2", await master.url()).href };
}
