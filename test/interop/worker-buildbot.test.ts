import { describe, expect, it } from "vitest";
import { describeWire } from "../contract/wire.contract.ts";
import { startBuildbotWorker } from "../harness/buildbot-worker.ts";
import { waitFor } from "../harness/wait-for.ts";
import { setUpWorkerRelease } from "../setup.mjs";
import { openWorkerPort, takeWorker } from "./worker-port.ts";

/** The long form tries an older release. Releases before it have no such protocol, or an earlier form of it. */
const releases = ["4.3.0", ...(process.env["MULTIMASTER_LONG"] ? ["3.11.9"] : [])];
for (const release of releases)
  describeWire(`buildbot-worker ${release}`, async () => {
    const port = await openWorkerPort("python", "pass:wörd");
    const worker = await startBuildbotWorker({
      port: port.port,
      name: "python",
      password: "pass:wörd",
      env: { WIRE_OWN: "own", GONE: "here", PYTHONPATH: undefined },
      ...(release !== "4.3.0" && { installation: setUpWorkerRelease(release, () => undefined) }),
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
