import type { Connection, Row } from "../connection.ts";
import { execute, queryRows, upsert } from "../dialect.ts";

export interface BuilderOffer {
  builderid: number;
  maxBuilds: number | null;
  directory: string;
}

/** Makes what is known of a master's builders exactly this. */
export function saveBuilderOffers(tx: Connection, masterid: number, offers: readonly BuilderOffer[]): Promise<void> {
  const rows = offers.map(({ builderid, maxBuilds, directory }) => ({ builderid, max_builds: maxBuilds, directory }));
  return saveDifferences(tx, "mm_builder_offers", ["max_builds", "directory"], masterid, rows);
}

export interface BuilderLimit {
  builderid: number;
  /** Null: none. */
  maxEngineDeaths: number | null;
}

/** Makes the limits of a master's builders exactly these. */
export function saveBuilderLimits(tx: Connection, masterid: number, limits: readonly BuilderLimit[]): Promise<void> {
  const rows = limits.map(({ builderid, maxEngineDeaths }) => ({ builderid, max_engine_deaths: maxEngineDeaths }));
  return saveDifferences(tx, "mm_builder_limits", ["max_engine_deaths"], masterid, rows);
}

/** The same for losses that are no death of an engine; null: no limit. */
export function saveBuilderLossLimits(
  tx: Connection,
  masterid: number,
  limits: readonly { builderid: number; maxWorkerLosses: number | null }[],
): Promise<void> {
  const rows = limits.map(({ builderid, maxWorkerLosses }) => ({ builderid, max_worker_losses: maxWorkerLosses }));
  return saveDifferences(tx, "mm_builder_loss_limits", ["max_worker_losses"], masterid, rows);
}

/** What a builder weighs, and whether functions of the config are asked before its requests start. */
export interface BuilderRule {
  readonly builderid: number;
  readonly weight: number;
  readonly asks: boolean;
}

/** Makes the rules of a master's builders exactly these; those without any have no row. */
export function saveBuilderRules(tx: Connection, masterid: number, rules: readonly BuilderRule[]): Promise<void> {
  const rows = rules
    .filter(({ weight, asks }) => weight !== 1 || asks)
    .map(({ builderid, weight, asks }) => ({ builderid, weight, asks: asks ? 1 : 0 }));
  return saveDifferences(tx, "mm_builder_rules", ["weight", "asks"], masterid, rows);
}

/** Writes only what differs: an engine that starts again has mostly written it before. */
async function saveDifferences(
  tx: Connection,
  table: string,
  columns: readonly string[],
  masterid: number,
  wanted: readonly (Row & { builderid: number })[],
): Promise<void> {
  const before = await queryRows<Row & { builderid: number }>(
    tx,
    `select builderid, ${columns.join(", ")} from ${table} where masterid = ?`,
    [masterid],
  );
  const known = new Map(before.map((row) => [row.builderid, row]));
  const rows = wanted.flatMap((row) => {
    const old = known.get(row.builderid);
    const isKnown = old !== undefined && Object.entries(row).every(([name, value]) => old[name] === value);
    return isKnown ? [] : { ...row, masterid };
  });
  const kept = new Set(wanted.map(({ builderid }) => builderid));
  const gone = [...known.keys()].filter((builderid) => !kept.has(builderid));
  if (gone.length > 0) {
    const some = tx.dialect.isOneOf("builderid", gone);
    await execute(tx, `delete from ${table} where masterid = ? and ${some.sql}`, [masterid, ...some.bindings]);
  }
  await upsert(tx, { table, rows, key: ["builderid", "masterid"] });
}

/** How long a master must have been away until what its builders offered is deleted. */
const forgottenAfterSeconds = 30 * 24 * 3600;

/** Deletes what builders of masters that do not come back offered: it is kept when they end, as they mostly return. */
export async function forgetBuilderOffers(tx: Connection): Promise<void> {
  const gone = `select l.masterid from mm_leases l where l.expires_at < ${tx.dialect.now} - ${forgottenAfterSeconds}`;
  for (const table of [
    "mm_builder_offers",
    "mm_builder_limits",
    "mm_builder_loss_limits",
    "mm_builder_rules",
    "mm_start_refusals",
  ])
    await execute(tx, `delete from ${table} where masterid in (${gone})`);
}

export async function saveWorkerOffers(
  tx: Connection,
  offers: readonly { workerid: number; masterid: number; maxBuilds: number }[],
): Promise<void> {
  const byWorker = new Map(offers.map((offer) => [offer.workerid, offer]));
  const rows = [...byWorker.values()].map(({ workerid, masterid, maxBuilds }) => ({
    workerid,
    masterid,
    max_builds: maxBuilds,
  }));
  await upsert(tx, { table: "mm_worker_offers", rows, key: ["workerid"] });
}
