import { existsSync, readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { WorkersSliceInput } from "@multimaster/config";
import { Results, silentLog } from "@multimaster/core";
import { equals, waiting, workers } from "@multimaster/data";
import shell from "@multimaster/plugins/steps/shell";
import { formatBasicAuth } from "@multimaster/wire";
import { createWorker } from "@multimaster/worker";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type Engine, endAfterTest, startEngine } from "../../harness/engine.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

const remoteWorkers: WorkersSliceInput = { host: "127.0.0.1", port: 0, workers: [{ name: "w1", password: "secret" }] };

interface Wire {
  readonly port: number;
  /** Cuts every connection. */
  cut(): void;
  /** Nothing more goes through, but no side is notified. */
  freeze(): void;
}

/** A network between worker and engine that can fail. */
async function startWire(target: number): Promise<Wire> {
  const pairs = new Set<[Socket, Socket]>();
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    const end = () => {
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on("error", () => {}).on("close", end);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of [...pairs].flat()) socket.destroy();
  };
  endAfterTest(async () => {
    cut();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    freeze() {
      for (const socket of [...pairs].flat()) socket.unpipe().pause();
    },
  };
}

async function startWorker(port: number, basedir: string): Promise<void> {
  const worker = createWorker({
    url: `ws://127.0.0.1:${port}`,
    name: "w1",
    password: "secret",
    basedir,
    log: silentLog,
    retryMs: 100,
  });
  endAfterTest(() => worker.stop());
  await worker.start();
}

const isAttached = async (engine: Engine) =>
  ((await engine.data.get(workers, 1))?.["connected_to"] as unknown[] | undefined)?.length === 1;

describe("an engine with a worker over the network", () => {
  it("runs a build again whose worker was lost, and ends what that left running before", async () => {
    const directory = temporaryDirectory("worker");
    const pidFile = join(directory, "pid");
    const engine = await startEngine(
      {
        b: [
          shell({
            command: `test -e ${pidFile} && exit 0; echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 1000`,
          }),
        ],
      },
      { workers: remoteWorkers },
    );
    const wire = await startWire(engine.port());
    await startWorker(wire.port, directory);
    const request = await engine.submit("b");
    const pid = Number(
      await waitFor(() => existsSync(pidFile) && readFileSync(pidFile, "utf8"), { what: "the command" }),
    );
    wire.cut();
    const found = await engine.finished(request);
    expect(found.map((build) => [build.results, build.state_string])).toEqual([
      [Results.RETRY, "the connection to worker w1 ended"],
      [Results.SUCCESS, "build successful"],
    ]);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(await engine.stepsOf(found[0]?.buildid as number)).toMatchObject([
      { results: 0 },
      { results: Results.RETRY, state_string: "'test -e ...' (retry)" },
    ]);
  });

  it("keeps the first of two workers of one name while it answers, and takes the second when it does not", async () => {
    const engine = await startEngine({ b: [shell({ command: "true" })] }, { workers: remoteWorkers });
    const wire = await startWire(engine.port());
    await startWorker(wire.port, temporaryDirectory("first"));
    await waitFor(() => isAttached(engine), { what: "the first worker" });
    const second = temporaryDirectory("second");
    await startWorker(engine.port(), second);
    await waitFor(() => engine.said.some((text) => text.startsWith("a second worker named w1 was refused")), {
      what: "the refusal",
    });
    const builddirOf = async (request: number) =>
      (await engine.properties((await engine.finished(request))[0]?.buildid as number))["basedir"]?.[0];
    expect(await builddirOf(await engine.submit("b"))).not.toBe(second);
    wire.freeze();
    await waitFor(() => engine.said.filter((text) => text === "worker w1 is attached").length === 2, {
      what: "the second worker",
    });
    expect(await builddirOf(await engine.submit("b"))).toBe(second);
  });

  it("keeps two connections of one name that no one has attached yet, the newest of them", async () => {
    const engine = await startEngine({ b: [shell({ command: "true" })] }, { workers: remoteWorkers });
    // None of them says who it is: each would hold half a frame for as long as it waits.
    const headers = { Authorization: formatBasicAuth("w1", "secret") };
    const silent: WebSocket[] = [];
    for (let i = 0; i < 20; i++) {
      const socket = new WebSocket(`ws://127.0.0.1:${engine.port()}`, { headers, perMessageDeflate: false });
      socket.on("error", () => undefined);
      endAfterTest(async () => socket.terminate());
      await new Promise((resolve) => socket.once("open", resolve));
      silent.push(socket);
    }
    await waitFor(() => silent.filter((socket) => socket.readyState === WebSocket.OPEN).length <= 2, {
      what: "the others to be cut",
      timeoutMs: 3000,
    });
    expect(silent.at(-1)?.readyState).toBe(WebSocket.OPEN);
    for (const socket of silent) socket.terminate();
    await startWorker(engine.port(), temporaryDirectory("worker"));
    await waitFor(() => isAttached(engine), { what: "the worker" });
  });

  it("sends workers on while it drains, to come back to another master", async () => {
    const engine = await startEngine({ b: [shell({ command: "sleep 0.3" })] }, { workers: remoteWorkers });
    await startWorker(engine.port(), temporaryDirectory("worker"));
    const request = await engine.submit("b");
    await waitFor(() => engine.running(), { what: "the build to run" });
    const ready = async () => (await fetch(`http://127.0.0.1:${engine.port()}/ready`)).status;
    expect(await ready()).toBe(200);
    const drained = engine.services.drain(new AbortController().signal);
    expect(await ready()).toBe(503);
    await drained;
    expect((await engine.finished(request))[0]?.results).toBe(Results.SUCCESS);
    expect(await isAttached(engine)).toBe(false);
    expect(engine.said.filter((text) => text === "worker w1 is attached")).toHaveLength(1);
  });

  it("lets a graceful worker finish its build and then ends it", async () => {
    const engine = await startEngine({ b: [shell({ command: "sleep 0.3" })] }, { workers: remoteWorkers });
    const worker = createWorker({
      url: `ws://127.0.0.1:${engine.port()}`,
      name: "w1",
      password: "secret",
      basedir: temporaryDirectory("worker"),
      log: silentLog,
      // Shorter than it takes to end: it must not come back meanwhile.
      retryMs: 20,
    });
    endAfterTest(() => worker.stop());
    await worker.start();
    const request = await engine.submit("b");
    await waitFor(() => engine.running(), { what: "the build to run" });
    await engine.data.updates.workers.setGraceful(1, true);
    await worker.shutdownRequested;
    expect((await engine.finished(request))[0]?.results).toBe(Results.SUCCESS);
    await waitFor(async () => (await engine.data.get(workers, 1))?.["graceful"] === false, {
      what: "the mark to be taken off",
    });
    await setTimeout(100);
    expect(engine.said.filter((text) => text === "worker w1 is attached")).toHaveLength(1);
  });

  it("ends a worker immediately when its row says so, though it has a build and no message came", async () => {
    const engine = await startEngine({ b: [shell({ command: "sleep 600" })] }, { workers: remoteWorkers });
    const worker = createWorker({
      url: `ws://127.0.0.1:${engine.port()}`,
      name: "w1",
      password: "secret",
      basedir: temporaryDirectory("worker"),
      log: silentLog,
    });
    endAfterTest(() => worker.stop());
    await worker.start();
    await engine.submit("b");
    await waitFor(() => engine.running(), { what: "the build to run" });
    await engine.data.updates.workers.setGraceful(1, "at once");
    await worker.shutdownRequested;
    await waitFor(async () => (await engine.data.get(workers, 1))?.["graceful"] === false, {
      what: "the mark to be taken off",
    });
  });

  it("lets others see why a request waits: what it offers is in the rows", async () => {
    const engine = await startEngine(
      { limited: [shell({ command: "sleep 600" })], other: [shell({ command: "sleep 600" })] },
      { workers: { workers: [{ name: "w1", local: true, maxBuilds: 2 }] }, more: { maxBuilds: 1, builddir: "same" } },
    );
    await engine.submit("limited");
    await waitFor(() => engine.running(), { what: "the build to run" });
    const [second, third] = [await engine.submit("limited"), await engine.submit("other")];
    const why = async (id: number) => {
      const found = await engine.data.find(waiting, { filters: [equals("buildrequestid", id)] });
      return found.rows[0]?.reasons.map(({ kind }) => kind);
    };
    expect([await why(second), await why(third)]).toEqual([["max_builds"], ["directory_in_use"]]);
  });

  it("takes no worker that none of its builders can use", async () => {
    const engine = await startEngine(
      { b: [shell({ command: "true" })] },
      {
        workers: {
          ...remoteWorkers,
          workers: [
            { name: "w1", password: "other" },
            { name: "idle", password: "secret" },
          ],
        },
      },
    );
    const worker = createWorker({
      url: `ws://127.0.0.1:${engine.port()}`,
      name: "idle",
      password: "secret",
      basedir: temporaryDirectory("idle"),
      log: silentLog,
    });
    endAfterTest(() => worker.stop());
    await worker.start();
    await waitFor(() => engine.said.includes("worker idle was sent on: no builder of this engine can use it"), {
      what: "the sentence",
    });
  });
});
