import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { configFile } from "../harness/cluster.ts";
import { firstOf } from "../harness/long-form.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { describeTimes } from "../harness/metrics.ts";
import { freePort } from "../harness/ports.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { type Engine, engines, newDatabaseUrl } from "../harness/test-databases.ts";
import { waitFor } from "../harness/wait-for.ts";

const seconds = 8;

interface Build {
  number: number;
  results: number | null;
}

async function startOneProcess(engine: Engine) {
  const directory = temporaryDirectory("one-process");
  const monitor = await freePort();
  const master = await startMaster({
    config: configFile("test/cluster/configs/one-process/cluster.ts"),
    name: "one",
    env: {
      DATABASE_URL: await newDatabaseUrl(engine),
      DIRECTORY: directory,
      SECONDS: String(seconds),
      MONITOR: String(monitor),
      UI_PORT: "0",
    },
  });
  await master.waitReady();
  const results = async (builder: string) => {
    const { body } = await master.api<{ builds: Build[] }>(`builders/${builder}/builds?order=number`);
    return body.builds.map((build) => build.results);
  };
  return {
    master,
    monitor: `http://127.0.0.1:${monitor}/`,
    results,
    force: (builder: string) =>
      master.apiPost("forceschedulers/force", "force", { builderNames: [builder], reason: "test" }),
    isThere: (file: string) => existsSync(join(directory, file)),
  };
}

/** Seconds that each of some requests takes, one after the other. */
async function measureAnswers(master: TestMaster, more: () => boolean, write: () => Promise<{ status: number }>) {
  const times: number[] = [];
  while (more()) {
    const begun = performance.now();
    const { status } = times.length % 5 === 4 ? await write() : await master.api("builds?limit=50&order=-buildid");
    expect(status).toBe(200);
    times.push((performance.now() - begun) / 1000);
  }
  return times;
}

describe.each(firstOf(engines, 1))("a master with all roles in one process on %s", (engine) => {
  it("answers reads and writes of users while a step blocks its engine", async () => {
    const { master, monitor, results, force, isThere } = await startOneProcess(engine);
    let left = 100;
    const idle = await measureAnswers(
      master,
      () => left-- > 0,
      () => force("quick"),
    );
    await waitFor(async () => (await results("quick")).filter((result) => result === 0).length === 20, {
      what: "the idle builds",
      timeoutMs: 60_000,
    });
    const readFigures = async () => (await fetch(new URL("metrics", monitor))).text();
    await readFigures();
    await force("blocks");
    await waitFor(() => isThere("blocked"), { what: "the engine to be blocked", intervalMs: 20 });
    const figures = readFigures();
    const during = await measureAnswers(
      master,
      () => !isThere("unblocked"),
      () => force("quick"),
    );
    expect(Math.max(...during)).toBeLessThan(seconds / 5);
    // The figures of the blocked thread are those that it had before.
    expect(await figures).toMatch(/^multimaster_builds_finished_total\{.*\} 20$/m);
    // Every fifth answer is to a forced build.
    const asked = 20 + Math.floor(during.length / 5);
    await waitFor(async () => (await results("quick")).filter((result) => result === 0).length === asked, {
      what: "the builds that were asked for meanwhile",
      timeoutMs: 60_000,
    });
    await waitFor(async () => JSON.stringify(await results("blocks")) === "[0]", { what: "the build that blocked" });
    console.log(`${engine}: idle ${describeTimes(idle)}; during the block ${describeTimes(during)}`);
    master.sigterm();
    expect(await master.process.waitForExit()).toMatchObject({ code: 0 });
  });

  it("goes on answering when the thread of its engine dies, starts another, and builds again what that one built", async () => {
    const { master, monitor, results, force } = await startOneProcess(engine);
    await force("dies");
    await master.waitForLog(
      (line) => line.msg === "the thread of the role builder-engine ended: thrown where no one catches it",
      "the death of the thread",
    );
    let over = false;
    const answering = measureAnswers(
      master,
      () => !over,
      async () => master.fetch("health"),
    );
    // 5: RETRY.
    await waitFor(async () => JSON.stringify(await results("dies")) === "[5,0]", {
      what: "the build to run again",
      timeoutMs: 60_000,
    });
    over = true;
    expect((await answering).length).toBeGreaterThan(5);
    await master.waitForLog((line) => line["epoch"] === 2 && line.msg === "master is ready", "its second term");
    expect((await fetch(new URL("ready", monitor))).status).toBe(200);
    expect((await force("quick")).status).toBe(200);
    await waitFor(async () => JSON.stringify(await results("quick")) === "[0]", { what: "a build after it" });
    await master.stop();
    expect(master.process.exit()).toMatchObject({ code: 0 });
  });
});
