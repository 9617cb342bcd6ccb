import { describe, expect, it } from "vitest";
import { describeWire } from "../contract/wire.contract.ts";
import { liftedLimits, startBuildbotWorker } from "../harness/buildbot-worker.ts";
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
    const logged: string[] = [];
    const port = await openWorkerPort("python", "right");
    const worker = await startBuildbotWorker({ port: port.port, name: "python", password: "wrong", protocol: "pb" });
    await waitFor(() => /unauthorized/i.test(worker.log()), { what: "a refused attempt", timeoutMs: 60_000 });
    expect(port.current()).toBeUndefined();
    expect(logged).toEqual([]);
    await worker.stop();
    await port.stop();
  });
});
