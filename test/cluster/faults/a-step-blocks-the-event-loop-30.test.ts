import { join } from "node:path";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { isLong } from "../../harness/long-form.ts";
import type { TestMaster } from "../../harness/master.ts";
import { describeTimes, readMetric } from "../../harness/metrics.ts";
import { startSyntheticWorkers } from "../../harness/synthetic-workers.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** The short form blocks for more than two leases. */
const forms = isLong
  ? [
      { lease: "15s", seconds: 30 },
      { lease: "15s", seconds: 300 },
    ]
  : [{ lease: "4s", seconds: 9 }];

interface Stall {
  [column: string]: unknown;
  name: string;
  steps: string;
  ended_at: number | null;
}

const stalls = `select m.name, s.steps, s.ended_at from mm_loop_stalls s join masters m on m.id = s.masterid
  where m.name = 'blocked' and s.steps like '%parse%'`;

for (const { lease, seconds } of forms) {
  it(
    `a step that blocks its engine for ${seconds} s (lease ${lease}) costs no lease, is named while it does, and holds up no one else`,
    async () => {
      const cluster = await startCluster({
        config: "test/cluster/configs/blocking/cluster.ts",
        env: { LEASE: lease, BLOCK_SECONDS: String(seconds), MARKER: join(temporaryDirectory("marker"), "blocked") },
      });
      const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
      const blocked = await cluster.master({ roles: ["builder-engine"], builders: ["blocks"], name: "blocked" });
      const other = await cluster.master({ roles: ["builder-engine"], builders: ["quick"], name: "other" });
      await Promise.all([front, blocked, other].map((master) => master.waitReady()));
      const password = cluster.env["WORKER_PASSWORD"] as string;
      startSyntheticWorkers({ port: await blocked.workerPort(), names: ["w1"], password });
      startSyntheticWorkers({ port: await other.workerPort(), names: ["w2"], password });

      const idle = await measureReads(front, (reads) => reads >= 200);
      const force = (builder: string) =>
        front.apiPost("forceschedulers/force", "force", { builderNames: [builder], reason: "test" });
      await force("blocks");
      const [seen] = await waitFor(async () => nonEmpty(await cluster.rows<Stall>(stalls)), {
        what: "the stall to be seen from outside while it lasts",
        timeoutMs: 60_000,
      });
      expect(JSON.parse(seen.steps)).toEqual([{ builder: "blocks", step: "parse", buildid: 1 }]);
      expect(seen.ended_at).toBeNull();

      await force("quick");
      const during = await measureReads(front, (reads) => reads >= 200);
      const isOver = async (builder: string) =>
        (
          await cluster.rows(`select 1 from buildrequests r join buildsets s on s.id = r.buildsetid
          join builders b on b.id = r.builderid where b.name = '${builder}' and r.complete = 1 and r.results = 0`)
        ).length === 1;
      await waitFor(() => isOver("quick"), { what: "the other engine to build", timeoutMs: 60_000 });
      await waitFor(() => isOver("blocks"), { what: "the blocked build to end", timeoutMs: (seconds + 90) * 1000 });

      const leases = await cluster.rows<{ epoch: number; buried: boolean }>(
        "select epoch, buried_at is not null as buried from mm_leases",
      );
      expect(leases).toEqual([1, 2, 3].map(() => ({ epoch: 1, buried: false })));
      expect(await findViolations(cluster)).toEqual([]);
      await waitFor(async () => (await cluster.rows<Stall>(stalls)).every((row) => row.ended_at !== null), {
        what: "the end of the stall to be written",
      });
      const said = await blocked.waitForLog(
        (line) =>
          /^the event loop stood still for [\d.]+ s while it ran step "parse" of builder "blocks"/.test(line.msg ?? ""),
        "what blocked it",
      );
      const url = (await blocked.workerUrl()).replace("ws:", "http:");
      const figure = 'multimaster_event_loop_blocked_seconds_total{builder="blocks",step="parse"}';
      expect(await readMetric(url, figure)).toBeGreaterThan(seconds - 1);
      expect(await readMetric(url, "multimaster_event_loop_delay_max_seconds")).toBeGreaterThan(seconds - 1);
      console.log(
        `${said.msg}\nreads of the ui, idle: ${describeTimes(idle)}; during the block: ${describeTimes(during)}`,
      );
    },
    (forms.length > 1 ? 600 : 180) * 1000,
  );
}

function nonEmpty<T>(rows: readonly T[]): [T, ...T[]] | false {
  return rows.length > 0 && (rows as [T, ...T[]]);
}

/** Seconds that reads of the ui take, one after the other. */
async function measureReads(ui: TestMaster, enough: (reads: number) => boolean): Promise<number[]> {
  const seconds: number[] = [];
  while (!enough(seconds.length)) {
    const begun = performance.now();
    const { status } = await ui.api("builds?limit=50&order=-buildid");
    expect(status).toBe(200);
    seconds.push((performance.now() - begun) / 1000);
  }
  return seconds;
}
