import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { WorkersSliceInput } from "@multimaster/config";
import { Results } from "@multimaster/core";
import parallel from "@multimaster/plugins/steps/parallel";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { describeWire } from "../contract/wire.contract.ts";
import { liftedLimits, startBuildbotWorker } from "../harness/buildbot-worker.ts";
import { endAfterTest, startEngine } from "../harness/engine.ts";
import { isAlive } from "../harness/processes.ts";
import { startTcpProxy } from "../harness/tcp-proxy.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { openWorkerPort, takeWorker } from "./worker-port.ts";

describeWire(
  "buildbot-worker 4.3.0 with pb",
  async () => {
    const port = await openWorkerPort("python", "pass:wörd");
    const worker = await startBuildbotWorker({
      port: port.port,
      name: "python",
      password: "pass:wörd",
      protocol: "pb",
      settings: liftedLimits,
      env: { WIRE_OWN: "own", GONE: "here", PYTHONPATH: undefined },
    });
    return takeWorker(port, worker);
  },
  { onLoss: "kills" },
);

describe("buildbot-worker with pb", () => {
  it("lives on after a wrong password, and is taken when the right one is configured", async () => {
    const port = await openWorkerPort("python", "right");
    const worker = await startBuildbotWorker({ port: port.port, name: "python", password: "wrong", protocol: "pb" });
    await waitFor(() => /unauthorized/i.test(worker.log()), { what: "a refused attempt", timeoutMs: 60_000 });
    expect(port.current()).toBeUndefined();
    await worker.stop();
    await port.stop();
  });
});

const remoteWorkers: WorkersSliceInput = { host: "127.0.0.1", port: 0, workers: [{ name: "w1", password: "secret" }] };

describe("an engine with a buildbot-worker and pb", () => {
  it("runs a build again whose connection was lost, with nothing left of the first", async () => {
    const pidFile = join(temporaryDirectory("pb"), "pid");
    const command = `test -e ${pidFile} && exit 0; echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 1000`;
    const engine = await startEngine({ b: [shell({ command })] }, { workers: remoteWorkers });
    const proxy = await startTcpProxy({ target: engine.port() });
    const worker = await startBuildbotWorker({ port: proxy.port, name: "w1", password: "secret", protocol: "pb" });
    endAfterTest(() => worker.stop());
    const request = await engine.submit("b");
    const pid = Number(
      await waitFor(() => existsSync(pidFile) && readFileSync(pidFile, "utf8"), { what: "the command" }),
    );
    proxy.cut();
    const found = await engine.finished(request);
    expect(found.map((build) => build.results)).toEqual([Results.RETRY, Results.SUCCESS]);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  it("runs more steps at the same time than the worker has objects for at first", async () => {
    // Each ends only when all of them run.
    const command = (i: number) => `touch run-${i}; while test $(ls -d run-* | wc -l) -lt 6; do sleep 0.1; done`;
    const steps = [0, 1, 2, 3, 4, 5].map((i) => shell({ command: command(i), maxTime: "60s" }));
    const engine = await startEngine({ b: [parallel({ steps })] }, { workers: remoteWorkers });
    const worker = await startBuildbotWorker({
      port: engine.port(),
      name: "w1",
      password: "secret",
      protocol: "pb",
    });
    endAfterTest(() => worker.stop());
    expect((await engine.finished(await engine.submit("b"))).map((build) => build.results)).toEqual([Results.SUCCESS]);
  });

  it("lets a worker that asks for its shutdown finish its build, then ends it", async () => {
    const begun = join(temporaryDirectory("pb"), "begun");
    const command = `touch ${begun}; while test -e ${begun}; do sleep 0.1; done`;
    const engine = await startEngine({ b: [shell({ command })] }, { workers: remoteWorkers });
    const worker = await startBuildbotWorker({
      port: engine.port(),
      name: "w1",
      password: "secret",
      protocol: "pb",
      options: ["--allow-shutdown=signal"],
    });
    endAfterTest(() => worker.stop());
    const request = await engine.submit("b");
    await waitFor(() => existsSync(begun), { what: "the command" });
    process.kill(worker.pid, "SIGHUP");
    await waitFor(() => engine.said.some((text) => text.includes("asks to be shut down")), {
      what: "the worker to ask",
    });
    rmSync(begun);
    expect((await engine.finished(request)).map((build) => build.results)).toEqual([Results.SUCCESS]);
    await waitFor(() => !isAlive(worker.pid), { what: "the worker's process to end", timeoutMs: 60_000 });
  });
});
