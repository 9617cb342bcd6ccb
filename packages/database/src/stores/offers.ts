import type { Connection } from "../connection.ts";
import { execute, upsert } from "../dialect.ts";

export interface BuilderOffer {
  builderid: number;
  maxBuilds: number | null;
  directory: string;
}

/** Makes what is known of a master's builders exactly this. */
export async function saveBuilderOffers(
  tx: Connection,
  masterid: number,
  offers: readonly BuilderOffer[],
): Promise<void> {
  const kept = tx.dialect.isOneOf(
    "builderid",
    offers.map((offer) => offer.builderid),
  );
  await execute(tx, `delete from mm_builder_offers where masterid = ? and not (${kept.sql})`, [
    masterid,
    ...kept.bindings,
  ]);
  const rows = offers.map(({ builderid, maxBuilds, directory }) => ({
    builderid,
    masterid,
    max_builds: maxBuilds,
    directory,
  }));
  await upsert(tx, { table: "mm_builder_offers", rows, key: ["builderid", "masterid"] });
}

export interface BuilderLimit {
  builderid: number;
  /** Null: none. */
  maxEngineDeaths: number | null;
}

/** Makes the limits of a master's builders exactly these. */
export async function saveBuilderLimits(
  tx: Connection,
  masterid: number,
  limits: readonly BuilderLimit[],
): Promise<void> {
  await execute(tx, "delete from mm_builder_limits where masterid = ?", [masterid]);
  const rows = limits.map(({ builderid, maxEngineDeaths }) => ({
    builderid,
    masterid,
    max_engine_deaths: maxEngineDeaths,
  }));
  await upsert(tx, { table: "mm_builder_limits", rows, key: ["builderid", "masterid"] });
}

/** The same for losses that are no death of an engine; null: no limit. */
export async function saveBuilderLossLimits(
  tx: Connection,
  masterid: number,
  limits: readonly { builderid: number; maxWorkerLosses: number | null }[],
): Promise<void> {
  await execute(tx, "delete from mm_builder_loss_limits where masterid = ?", [masterid]);
  const rows = limits.map(({ builderid, maxWorkerLosses }) => ({
    builderid,
    masterid,
    max_worker_losses: maxWorkerLosses,
  }));
  await upsert(tx, { table: "mm_builder_loss_limits", rows, key: ["builderid", "masterid"] });
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
