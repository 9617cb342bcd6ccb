import { describe, expect, it } from "vitest";
import { describeWire } from "../contract/wire.contract.ts";
import { startBuildbotWorker } from "../harness/buildbot-worker.ts";
import { waitFor } from "../harness/wait-for.ts";
import { openWorkerPort, takeWorker } from "./worker-port.ts";

describeWire("buildbot-worker 4.3.0", async () => {
  const port = await openWorkerPort("python", "pass:wörd");
  const worker = await startBuildbotWorker({
    port: port.port,
    name: "python",
    password: "pass:wörd",
    env: { WIRE_OWN: "own", GONE: "here", PYTHONPATH: undefined },
  });
  return takeWorker(port, worker);
});

describe("buildbot-worker", () => {
  it("is refused with a wrong password, and keeps trying", async () => {
    const port = await openWorkerPort("python", "right");
    const worker = await startBuildbotWorker({ port: port.port, name: "python", password: "wrong" });
    await waitFor(() => port.refusals() >= 2, { what: "two refused attempts", timeoutMs: 60_000 });
    expect(port.current()).toBeUndefined();
    await worker.stop();
    await port.stop();
  });
});
