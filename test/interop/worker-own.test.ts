import { silentLog } from "@multimaster/core";
import { createWorker } from "@multimaster/worker";
import { describe, expect, it } from "vitest";
import { describeWire } from "../contract/wire.contract.ts";
import { markedEnvironment } from "../harness/cleanup.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { openWorkerPort, takeWorker } from "./worker-port.ts";

function makeWorker(port: number, password: string) {
  return createWorker({
    url: `ws://127.0.0.1:${port}/`,
    name: "own",
    password,
    basedir: temporaryDirectory("worker"),
    log: silentLog,
    retryMs: 100,
    environment: { PATH: process.env["PATH"] ?? "", WIRE_OWN: "own", GONE: "here", ...markedEnvironment() },
  });
}

describeWire("our worker, over TCP", async () => {
  const port = await openWorkerPort("own", "pass:wörd");
  const worker = makeWorker(port.port, "pass:wörd");
  await worker.start();
  return takeWorker(port, worker);
});

describe("our worker", () => {
  it("keeps trying with a wrong password, and is let in once it is right at the master", async () => {
    const refusing = await openWorkerPort("own", "right");
    const worker = makeWorker(refusing.port, "wrong");
    await worker.start();
    await waitFor(() => refusing.refusals() >= 3, { what: "three refused attempts" });
    expect(refusing.current()).toBeUndefined();
    await worker.stop();
    await refusing.stop();
  });

  it("comes back after a master that closed its port has opened it again", async () => {
    const port = await openWorkerPort("own", "pass");
    const worker = makeWorker(port.port, "pass");
    await worker.start();
    const link = await port.waitForWorker();
    await port.stop();
    expect((await link.closed).code).toBe(1001);
    const stopping = worker.stop();
    await stopping;
    expect(worker.stop()).toBe(worker.stop());
  });

  it("notifies its owner when a master asks it to end", async () => {
    const port = await openWorkerPort("own", "pass");
    const worker = makeWorker(port.port, "pass");
    await worker.start();
    const link = await port.waitForWorker();
    await link.shutdown();
    await worker.shutdownRequested;
    await worker.stop();
    await link.closed;
    await port.stop();
  });
});
