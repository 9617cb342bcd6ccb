import {
  type DrainOptions,
  type DrainReport,
  drainMaster,
  isMasterRunning,
  listMasters,
  type MasterStatus,
  openUpgradeRuns,
  requireDrainable,
  type UpgradePair,
  type UpgradeRun,
} from "@multimaster/cluster";
import type { ClusterConfig } from "@multimaster/config";
import { errors } from "@multimaster/core";
import { commandLineActor, createTrail } from "@multimaster/data";
import {
  checkSchema,
  describeSchema,
  type PendingBuilder,
  readPendingBuilders,
  readSchemaState,
  takeSessionLock,
  type UpgradeReport,
} from "@multimaster/database";
import { beginUpgrade, upgradeSchema } from "./upgrade-trail.ts";
import { openCluster } from "./with-cluster.ts";

export { describePending } from "@multimaster/cluster";
export type { PendingBuilder } from "@multimaster/database";
export { type DrainReport, isMasterRunning, type MasterStatus, requireDrainable, type UpgradePair, type UpgradeRun };

/** What the upgrade of a host's masters sees of the rows. */
export interface UpgradeRows {
  /** Where the schema stands, and the names of the migrations that it still needs. */
  readonly schema: { readonly found: string; readonly missing: readonly string[] };
  /** Brings the schema to this release; the running masters go on with it. */
  upgradeSchema(): Promise<UpgradeReport>;
  masters(): Promise<MasterStatus[]>;
  /** Asks a master of this host to drain, and waits until it is gone. */
  drain(master: MasterStatus, options: DrainOptions): Promise<DrainReport>;
  /** The builders for which requests wait. */
  pendingBuilders(): Promise<PendingBuilder[]>;
  /** Upgrades that have begun and not ended. */
  unfinished(): Promise<UpgradeRun[]>;
  /** Notes that this upgrade begins, and returns what notes its end, both with who asked for it. */
  begin(run: Parameters<typeof beginUpgrade>[1]): ReturnType<typeof beginUpgrade>;
  /** Makes this the only upgrade of the host until closed, or throws. */
  lockHost(host: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens the rows of a cluster that can have more than one master. */
export async function openUpgradeRows({ database: url }: ClusterConfig): Promise<UpgradeRows> {
  if (url.startsWith("sqlite:")) throw errors.upgradeNeedsPostgresql(`The SQLite file ${url.slice("sqlite:".length)}`);
  // What is wrong is refused as a master that starts refuses it; but a schema that is behind can be upgraded.
  const database = await openCluster({ database: url }, { poolSize: 4, check: async () => {} });
  let unlock: (() => Promise<void>) | undefined;
  try {
    const state = await readSchemaState(database);
    if (state.standing !== "behind" || state.own === 0) await checkSchema(database);
    return {
      schema: { found: describeSchema(state), missing: state.missing },
      upgradeSchema: () => upgradeSchema(database),
      masters: () => listMasters(database),
      drain: (master, options) =>
        drainMaster(database, master, {
          ...options,
          trail: createTrail(commandLineActor(), "drain", `masters/${master.name}`, "master upgrade"),
        }),
      pendingBuilders: () => readPendingBuilders(database),
      // A release that knew of none has left none.
      unfinished: async () => (state.missing.length > 0 ? [] : openUpgradeRuns(database)),
      begin: (run) => beginUpgrade(database, run),
      async lockHost(host) {
        const lock = await takeSessionLock(database, `upgrade of ${host}`);
        if (!lock) throw errors.upgradeUnderWay(host);
        unlock = () => lock.release();
      },
      async close() {
        await unlock?.();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
