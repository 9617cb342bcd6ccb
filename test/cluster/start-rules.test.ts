import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster } from "../harness/cluster.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { whatRan } from "./faults/what-ran.ts";

it("two engines ask their config's functions, every master gives their answers as reasons, and a blocking one stops nothing", async () => {
  const ready = join(temporaryDirectory("ready"), "ready");
  const config = "test/cluster/configs/ledger/cluster.ts";
  const cluster = await startCluster({
    config,
    env: { WORKERS: "a1,b1", POLL: "no", LEASE: "4s", REBALANCE: "never", READY: ready },
  });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const doomed = await cluster.master({ roles: ["builder-engine"], name: "doomed" });
  await cluster.workers(doomed, front, ["a1"]);
  const survivor = await cluster.master({ roles: ["builder-engine"], name: "survivor" });
  await cluster.workers(survivor, front, ["b1"]);
  const force = (builder: string) =>
    front.apiPost("forceschedulers/force", "force", { builderNames: [builder], reason: "test" });
  const sentencesOf = async (builder: string) => {
    const { body } = await front.api<{ waiting: { builder: string; reasons: { sentence: string }[] }[] }>("waiting");
    const own = body.waiting.find((one) => one.builder === builder);
    return (own?.reasons ?? []).map(({ sentence }) => sentence).join(" ");
  };
  const waitsBecause = (builder: string, ...parts: string[]) =>
    waitFor(
      async () => {
        const sentences = await sentencesOf(builder);
        return parts.every((part) => sentences.includes(part));
      },
      { what: `${builder} to wait for ${parts.join(" and ")}`, timeoutMs: 60_000 },
    );

  await force("job");
  const refuses = (master: string, worker: string) =>
    `"canStart" of the config of ${master} refuses ${worker}: the board is not ready`;
  await waitsBecause("job", refuses("doomed", "a1"), refuses("survivor", "b1"));
  await force("other");
  await waitsBecause("other", "it blocked its master for 1000 ms");
  await force("parent");
  await waitFor(() => cluster.ledger.lines().some((line) => line.includes("end parent")), {
    what: "the other builders",
  });

  await doomed.kill9();
  await waitFor(async () => !(await sentencesOf("job")).includes("of doomed refuses"), {
    what: "the reason of the dead engine to go",
    timeoutMs: 60_000,
  });
  writeFileSync(ready, "");
  await waitFor(() => cluster.ledger.lines().some((line) => line.includes("end job")), {
    what: "the build",
    timeoutMs: 60_000,
  });
  expect(whatRan(cluster).filter((line) => line.includes("job"))).toEqual(["begin job 1", "end job 1"]);
  // Named on the cluster's page, and the engine works on.
  await waitFor(
    async () =>
      (await cluster.rows<{ cause: string }>("select cause from mm_service_failures")).some(({ cause }) =>
        cause.includes('"canStart" of builder "other"'),
      ),
    { what: "the function that fails to be shown", timeoutMs: 60_000 },
  );
  await front.apiPost("buildrequests/2", "cancel", { reason: "it never starts" });
  await waitFor(async () => (await sentencesOf("other")) === "", { what: "the request to be cancelled" });
  expect(await findViolations(cluster)).toEqual([]);
});
