import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster } from "../harness/cluster.ts";
import { waitFor } from "../harness/wait-for.ts";

const megabytes = 50;
/** What `work` prints: lines of 100 bytes with their number. */
const lines = (megabytes * 1_000_000) / 100;
const program = `awk 'BEGIN { for (i = 0; i < ${lines}; i++) printf "%07d %091d\\n", i, i }'`;

it(`${megabytes} MB of output are stored without a gap, in bounded memory, and read back byte by byte`, async () => {
  const cluster = await startCluster({
    config: "test/cluster/configs/ledger/cluster.ts",
    env: { POLL: "no", WORK: program },
  });
  const ui = await cluster.master({ roles: ["ui", "scheduler"] });
  await ui.waitReady();
  const engine = await cluster.master({ roles: ["builder-engine"] });
  await cluster.workers(engine, ui, ["w1"]);
  const before = residentMegabytes(engine.process.pid);
  let most = 0;
  await ui.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "much" });
  await waitFor(
    async () => {
      most = Math.max(most, residentMegabytes(engine.process.pid));
      return (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1;
    },
    { what: "the build", timeoutMs: 170_000, intervalMs: 100 },
  );
  expect(await findViolations(cluster)).toEqual([]);

  const expected = createHash("sha256");
  for (let i = 0; i < lines; i++) expected.update(`${String(i).padStart(7, "0")} ${String(i).padStart(91, "0")}\n`);
  const response = await ui.fetch("api/v2/builds/1/steps/work/logs/stdio/raw");
  const { body } = await ui.api<{ logs: { num_lines: number }[] }>("builds/1/steps/work/logs/stdio");
  const text = Buffer.from(await response.arrayBuffer());
  const start = text.indexOf(`${"0".repeat(7)} ${"0".repeat(91)}\n`);
  const output = text.subarray(start, start + lines * 100);
  expect(createHash("sha256").update(output).digest("hex")).toBe(expected.digest("hex"));
  expect(body.logs[0]?.num_lines).toBeGreaterThan(lines);
  // Holding the whole output, even once, would cost more than this.
  expect(most - before).toBeLessThan(megabytes * 2.5);
});

function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}
