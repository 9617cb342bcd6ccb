import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineLock } from "@multimaster/config";
import { queryRows } from "@multimaster/database";
import localProcess from "@multimaster/plugins/latent-workers/local-process";
import shell from "@multimaster/plugins/steps/shell";
import { expect, it } from "vitest";
import { markedEnvironment } from "../../harness/cleanup.ts";
import { startEngine } from "../../harness/engine.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** An engine that stops leaves its instances to the next one; the mark ends them with the test file. */
const env = markedEnvironment();

it("no instance is started for a request that would only wait for a lock", async () => {
  const directory = temporaryDirectory("locked");
  const [begun, gate] = [join(directory, "begun"), join(directory, "gate")];
  const lock = defineLock({ name: "db" });
  const engine = await startEngine(
    { b: [shell({ name: "work", command: `echo begun >> ${begun}; until [ -e ${gate} ]; do sleep 0.1; done` })] },
    {
      workers: {
        host: "127.0.0.1",
        port: 0,
        workers: [],
        latent: [localProcess({ name: "pool", maxInstances: 3, env })],
      },
      more: { workers: ["pool"], locks: [lock.exclusive()] },
    },
  );
  const first = await engine.submit("b");
  await waitFor(() => existsSync(begun), { what: "the first build to begin" });
  const others = [await engine.submit("b"), await engine.submit("b")];
  // The engine has looked at them: it polls every two seconds, and whenever a request is new.
  let polls = 0;
  await waitFor(() => ++polls > 25, { what: "the engine to poll", intervalMs: 100 });
  expect(await queryRows(engine.database, "select 1 from mm_worker_instances")).toHaveLength(1);
  writeFileSync(gate, "");
  for (const request of [first, ...others]) expect(await engine.finished(request)).toMatchObject([{ results: 0 }]);
});
