import { silentLog } from "@multimaster/core";
import { auditDatabase } from "@multimaster/data";
import { openDatabase } from "@multimaster/database";
import { expect, it } from "vitest";
import { startCluster } from "../../harness/cluster.ts";
import { isLong } from "../../harness/long-form.ts";
import type { TestMaster } from "../../harness/master.ts";
import { startReportTarget } from "../../harness/report-target.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/reports/cluster.ts";
/** In its long form (`npm run test:reports`) the forge is away for 20 minutes, or as long as the environment says, and there are 500 builds. */
const builds = isLong ? 500 : 24;
const awayMs = isLong ? Number(process.env["MULTIMASTER_AWAY_MINUTES"] ?? 20) * 60_000 : 3000;

/** A forge that keeps statuses as GitHub does: the newest first. */
async function startForge() {
  const target = await startReportTarget();
  const kept = new Map<string, { state: string; context: string; target_url: string }[]>();
  let mode: "away" | "works" | "keeps and never answers" = "away";
  let unanswered = 0;
  target.answer(({ method, path, body }) => {
    if (mode === "away") return { status: 503 };
    const revision = /(rev-\d+)/.exec(path)?.[1] ?? "";
    if (method === "GET") return { body: kept.get(revision) ?? [] };
    kept.set(revision, [body, ...(kept.get(revision) ?? [])]);
    if (mode === "works") return { status: 201, body };
    unanswered++;
    return () => undefined;
  });
  return {
    url: target.url,
    set: (next: typeof mode) => {
      mode = next;
    },
    unanswered: () => unanswered,
    /** The states of each commit, oldest first. */
    states: () => [...kept.values()].map((all) => all.map(({ state }) => state).toReversed()),
  };
}

async function deliver(ui: TestMaster, number: number): Promise<void> {
  const fields = {
    author: "Ada <ada@example.org>",
    comments: "a change",
    revision: `rev-${number}`,
    branch: "main",
    repository: "https://forge.example.org/own/project.git",
    delivery: String(number),
  };
  const answer = await ui.fetch("change_hook/base", { method: "POST", body: new URLSearchParams(fields) });
  expect(answer.status).toBe(202);
  await answer.text();
}

it(
  "each final state arrives once and in order although the forge was away and its reporter's master was killed",
  async () => {
    const forge = await startForge();
    const cluster = await startCluster({ config, env: { FORGE_URL: forge.url } });
    const ui = await cluster.master({ roles: ["ui", "builder-engine"], name: "ui" });
    await ui.waitReady();
    const reporting = await cluster.master({ roles: ["scheduler"], name: "reporting" });
    await reporting.waitReady();
    const next = await cluster.master({ roles: ["scheduler"], name: "next" });
    await next.waitReady();
    for (let number = 1; number <= builds; number++) await deliver(ui, number);
    const count = async (sql: string) => Number((await cluster.rows<{ n: number }>(sql))[0]?.n);
    await waitFor(async () => (await count("select count(*) as n from builds where results = 0")) === builds, {
      what: "all builds to end",
      timeoutMs: 120_000 + awayMs,
    });
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    const [row] = await cluster.rows(
      "select problem, failing_since is not null as fails from mm_reporters where name = 'forge'",
    );
    expect(row).toMatchObject({ problem: expect.stringContaining("answers 503"), fails: true });
    // Back, it keeps what it gets; but its answer never comes, and the master that waits for it is killed.
    forge.set("keeps and never answers");
    await waitFor(() => forge.unanswered() > 0, { what: "an attempt without an answer", timeoutMs: 150_000 });
    await reporting.kill9();
    forge.set("works");
    const owed = "select count(*) as n from mm_reports where state = 'owed'";
    await waitFor(async () => (await count(owed)) === 0, { what: "nothing to be owed", timeoutMs: 120_000 });
    expect(forge.states()).toHaveLength(builds);
    for (const states of forge.states()) expect(states).toEqual(["success"]);
    expect(await count("select count(*) as n from mm_outbox where owed = 1")).toBe(0);
    expect(await count("select count(*) as n from mm_reports where state = 'dead'")).toBe(0);
    const database = await openDatabase(cluster.database, { log: silentLog });
    try {
      expect((await auditDatabase(database, { graceSeconds: 20 })).findings).toEqual([]);
    } finally {
      await database.close();
    }
  },
  2 * awayMs + 600_000,
);
