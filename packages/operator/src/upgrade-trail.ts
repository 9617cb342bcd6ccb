import { beginUpgradeRun, endUpgradeRun, type UpgradeRun } from "@multimaster/cluster";
import { auditedActor, commandLineActor, createTrail } from "@multimaster/data";
import { type Database, insertAuditRow, type UpgradeReport, upgradeDatabase } from "@multimaster/database";

/** Migrations that are named in an entry. */
const mostNamed = 5;

/** How an upgrade of masters ended, for people who read it later. */
export interface UpgradeEnd {
  readonly outcome: "planned" | "upgraded" | "undone" | "incomplete";
  readonly sentence: string;
}

/** Brings the schema to this release, and writes down who did, what was applied, or why it failed. */
export async function upgradeSchema(database: Database): Promise<UpgradeReport> {
  const object = "database";
  const action = "upgrade database";
  let report: UpgradeReport;
  try {
    report = await upgradeDatabase(database);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const row = { ...auditedActor(commandLineActor()), action, object, outcome: "failed", detail } as const;
    // There may be no such table, or no database: what went wrong at first is what is to be said.
    await insertAuditRow(database, row).catch(() => undefined);
    throw error;
  }
  const { from, to, applied } = report;
  const others = applied.length - mostNamed;
  const what = [...applied.slice(0, mostNamed), ...(others > 0 ? [`${others} more`] : [])].join(", ");
  if (applied.length > 0)
    await createTrail(commandLineActor(), action, object, `from ${from} to ${to}: ${what}`)(database);
  return report;
}

/** Notes that the upgrade of a host's masters begins, and returns what notes its end. */
export async function beginUpgrade(
  database: Database,
  run: Pick<UpgradeRun, "host" | "config" | "pairs"> & { readonly release: string },
): Promise<(end: UpgradeEnd) => Promise<void>> {
  const actor = commandLineActor();
  const object = `masters/${run.pairs.map(({ old }) => old).join(",")}`;
  const successors = run.pairs.map(({ old, name }) => `${old} by ${name}`).join(", ");
  const what = `on ${run.host}, to release ${run.release} with ${run.config}`;
  const id = await database.transaction(async (tx) => {
    await createTrail(actor, "begin upgrade", object, `${what}: ${successors}`)(tx);
    return beginUpgradeRun(tx, run);
  });
  return ({ outcome, sentence }) =>
    database.transaction(async (tx) => {
      const done = outcome === "upgraded" ? "done" : "failed";
      const detail = `${what}: ${sentence}`;
      await insertAuditRow(tx, { ...auditedActor(actor), action: "upgrade", object, outcome: done, detail });
      // What is left of one that is not complete is taken up by the next.
      if (outcome !== "incomplete") await endUpgradeRun(tx, id);
    });
}
