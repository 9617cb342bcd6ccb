import { describe, expect, it } from "vitest";
import { describeWire } from "../contract/wire.contract.ts";
import { startBuildbotWorker } from "../harness/buildbot-worker.ts";
import { isLong } from "../harness/long-form.ts";
import { waitFor } from "../harness/wait-for.ts";
import { setUpOnDemand } from "../setup.mjs";
import { openWorkerPort, takeWorker } from "./worker-port.ts";

async function connect(installation?: string) {
  const port = await openWorkerPort("python", "pass:wörd");
  const worker = await startBuildbotWorker({
    port: port.port,
    name: "python",
    password: "pass:wörd",
    env: { WIRE_OWN: "own", GONE: "here", PYTHONPATH: undefined },
    ...(installation !== undefined && { installation }),
  });
  return takeWorker(port, worker);
}

describeWire("buildbot-worker 4.3.0", () => connect());
// The long form tries an older release; those before 3.6 have another form of the protocol, or none.
if (isLong)
  describeWire("buildbot-worker 3.11.9", () => connect(setUpOnDemand("buildbot-worker-3.11.9", () => undefined)), {
    commandSet: "3.2",
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
