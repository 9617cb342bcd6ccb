import { Results } from "@multimaster/core";
import httpPush from "@multimaster/plugins/reporters/http-push";
import { expect, it } from "vitest";
import { isLong } from "../../harness/long-form.ts";
import { type Member, runningBuild } from "../../harness/masters-with-data.ts";
import { startReportTarget } from "../../harness/report-target.ts";
import { startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { waitFor } from "../../harness/wait-for.ts";

const reporters = 50;
/** In its long form (`npm run test:reports`) builds end as fast as 1,000 in a minute, and figures are printed. */
const short = 5;
const minuteMs = 60_000;

/** Statements of the master that reports, and how long it took until everything was sent. */
interface Cost {
  readonly statements: number;
  readonly seconds: number;
}

/** What the reporters ask meanwhile, although nothing happens: every five seconds a few statements of each. */
const idle = ({ seconds }: Cost) => reporters * 6 * (1 + seconds / 5);

/** Fifty reporters of which each wants every build, or each those of one builder. */
async function startReporting(each: "all builds" | "one builder") {
  const cluster = await startSchedulerCluster("postgresql", { pollMs: 5000 });
  const target = await startReportTarget();
  const reporting = await cluster.add({
    reporters: Array.from({ length: reporters }, (_, i) =>
      httpPush({
        name: `r${i}`,
        url: target.url,
        events: ["build-ended"],
        ...(each === "one builder" && { builders: [`b${i}`] }),
      }),
    ),
  });
  await reporting.start();
  const claims = "select reporterid from mm_reporter_masters";
  await waitFor(async () => (await cluster.rows(claims)).length === reporters + 1, { what: "all claims" });
  const building = await cluster.add({});
  const member: Member = { lease: building.lease, updates: building.data.updates, database: cluster.database };

  /** Ends this many builds, `paceMs` apart, and waits until all of their reports were sent. */
  async function report(count: number, paceMs = 0): Promise<Cost> {
    const before = target.calls.length;
    const wanted = before + count * (each === "all builds" ? reporters : 1);
    let statements = 0;
    const unwatch = reporting.database.watch(() => void statements++);
    const began = Date.now();
    for (let i = 0; i < count; i++) {
      const { buildid } = await runningBuild(member, `b${i % reporters}`);
      await member.updates.builds.finish(buildid, { results: Results.SUCCESS, state: "fine" });
      const wait = began + i * paceMs - Date.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    }
    await waitFor(
      async () =>
        target.calls.length >= wanted &&
        (await cluster.rows("select id from mm_reports where state = 'owed' limit 1")).length === 0,
      { what: "all reports to be sent", timeoutMs: 600_000 },
    );
    unwatch();
    expect(target.calls).toHaveLength(wanted);
    return { statements, seconds: (Date.now() - began) / 1000 };
  }
  return { report };
}

it.each([
  // Of one report: what each reporter asks when it is woken, an attempt's two transactions, and what the build is.
  ["all builds", 12 * reporters, 100],
  ["one builder", 40, 1000],
] as const)(
  "fifty reporters that want %s cost a bounded number of statements for each, whatever was reported before",
  async (each, most, many) => {
    const { report } = await startReporting(each);
    const [builds, paceMs] = isLong ? [many, minuteMs / 1000] : [short, 0];
    // Each reporter once reads what it missed when it begins: that belongs to the start.
    await report(1, 0);
    const young = await report(builds, paceMs);
    const old = await report(builds, paceMs);
    if (isLong || process.env["MULTIMASTER_FIGURES"])
      console.log(JSON.stringify({ each, builds, reporters, young, old }));
    for (const cost of [young, old]) expect(cost.statements).toBeLessThan(most * builds + idle(cost));
  },
  1_200_000,
);
