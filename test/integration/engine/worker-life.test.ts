import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkersSliceInput } from "@multimaster/config";
import { Results, silentLog } from "@multimaster/core";
import { builds, equals, waiting, workerAbsences, workers } from "@multimaster/data";
import { execute } from "@multimaster/database";
import shell from "@multimaster/plugins/steps/shell";
import { createWorker, type Worker } from "@multimaster/worker";
import { describe, expect, it } from "vitest";
import { type Engine, endAfterTest, startEngine } from "../../harness/engine.ts";
import { startTcpProxy } from "../../harness/tcp-proxy.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

async function startWorker(port: number): Promise<Worker> {
  const worker = createWorker({
    url: `ws://127.0.0.1:${port}`,
    name: "w1",
    password: "secret",
    basedir: temporaryDirectory("worker"),
    log: silentLog,
    retryMs: 100,
  });
  endAfterTest(() => worker.stop());
  await worker.start();
  return worker;
}

const rowOf = (engine: Engine, workerid = 1) => engine.data.get(workers, workerid);
const reasonsOf = async (engine: Engine, request: number) => {
  const { rows } = await engine.data.find(waiting, { filters: [equals("buildrequestid", request)] });
  return rows[0]?.reasons ?? [];
};
const absencesOf = async (engine: Engine) =>
  (await engine.data.find(workerAbsences, { filters: [equals("workerid", 1)], order: ["absenceid"] })).rows;

describe("the life of a worker at its engine", () => {
  it("is paused and has to stop after the engine and the worker were restarted; it stops once, and stays paused", async () => {
    const workersOfBoth: WorkersSliceInput = {
      host: "127.0.0.1",
      port: 0,
      workers: [{ name: "w1", password: "secret" }],
    };
    const directory = temporaryDirectory("engines");
    const url = `sqlite:${join(directory, "state.sqlite")}`;
    const first = await startEngine({ b: [shell({ command: "sleep 600" })] }, { workers: workersOfBoth, url });
    const worker = await startWorker(first.port());
    await first.submit("b");
    await waitFor(() => first.running(), { what: "the build to run" });
    const ann = { name: "ann", trail: async () => {} };
    await first.data.updates.workers.setPaused(1, true, "a new disk", ann);
    await first.data.updates.workers.setGraceful(1, true);
    await first.stop();
    await worker.stop();
    const second = await startEngine(
      { b: [shell({ command: "true" })] },
      { workers: workersOfBoth, url, name: "second" },
    );
    const restarted = await startWorker(second.port());
    await restarted.shutdownRequested;
    await restarted.stop();
    await waitFor(async () => (await rowOf(second))?.graceful === false, { what: "the wish to be fulfilled" });
    await startWorker(second.port());
    const request = await second.submit("b");
    await waitFor(async () => (await reasonsOf(second, request))[0]?.kind === "worker_paused", { what: "a reason" });
    expect(await rowOf(second)).toMatchObject({
      connected_to: [expect.anything()],
      graceful: false,
      pause_reason: "a new disk",
      paused_by: "ann",
    });
    expect((await absencesOf(second)).map(({ kind, reason }) => `${kind} ${reason}`)).toEqual([
      "paused paused",
      "away master_stopped",
      "away shut_down",
    ]);
    await second.data.updates.workers.setPaused(1, false, null, ann);
    expect((await second.finished(request))[0]?.results).toBe(Results.SUCCESS);
  });

  it("is quarantined when three builds in a row lose their connection, and freed by a build that is tried", async () => {
    const marker = join(temporaryDirectory("marker"), "works");
    const engine = await startEngine(
      { busy: [shell({ command: "sleep 600" })], b: [shell({ command: `test -e ${marker} || exec sleep 600` })] },
      {
        more: { workers: ["w1", "w2"] },
        workers: {
          ...{ host: "127.0.0.1", port: 0, quarantineAfter: 3, probationAfter: "1h" },
          workers: [
            { name: "w1", password: "secret" },
            { name: "w2", local: true },
          ],
        },
      },
    );
    // The other worker could build it, and is busy.
    await engine.submit("busy");
    await waitFor(() => engine.running(), { what: "the other worker to be busy" });
    const proxy = await startTcpProxy({ target: engine.port() });
    await startWorker(proxy.port);
    const request = await engine.submit("b");
    const buildsOfIt = () => engine.data.find(builds, { filters: [equals("buildrequestid", request)] });
    for (let nth = 1; nth <= 3; nth += 1) {
      await waitFor(async () => (await buildsOfIt()).rows.filter(({ complete }) => !complete).length === 1, {
        what: `build ${nth}`,
      });
      proxy.cut();
      await waitFor(async () => (await buildsOfIt()).rows.filter(({ complete }) => complete).length === nth, {
        what: `the end of build ${nth}`,
      });
    }
    expect(await rowOf(engine)).toMatchObject({
      paused: true,
      quarantine_reason: "3 builds in a row lost their connection",
    });
    await waitFor(async () => (await rowOf(engine))?.connected_to.length === 1, { what: "the worker to be back" });
    const reasons = await waitFor(
      async () => {
        const found = await reasonsOf(engine, request);
        return found.some(({ kind }) => kind === "worker_quarantined") && found;
      },
      { what: "the reason" },
    );
    expect(reasons.find(({ kind }) => kind === "worker_quarantined")?.sentence).toMatch(
      /^w1 is quarantined since \d{4}-.*Z: 3 builds in a row lost their connection\.$/,
    );
    expect((await buildsOfIt()).rows).toHaveLength(3);
    await execute(engine.database, "update mm_worker_lives set probation_at = 0 where workerid = 1");
    writeFileSync(marker, "");
    expect((await engine.finished(request)).at(-1)?.results).toBe(Results.SUCCESS);
    expect(await rowOf(engine)).toMatchObject({ paused: false, failures: 0, quarantined_at: null });
    expect((await absencesOf(engine)).map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(["connection_lost", "quarantined"]),
    );
  });
});
