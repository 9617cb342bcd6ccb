import { errors } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { buildbotVersion } from "./buildbot.ts";
import { dataVersions, readDataVersion, refuseDataVersion } from "./data-version.ts";
import { hasTable } from "./has-table.ts";
import { readLedger } from "./ledger.ts";
import type { Migration } from "./migration.ts";
import { migrations as allMigrations } from "./migrations.ts";

/** Where the schema of a database stands, as compared with what this release needs. */
export interface SchemaState {
  /** Version of Buildbot's tables; absent in an empty database. */
  buildbot: string | undefined;
  /** How many migrations of ours were applied, those of newer releases included. */
  own: number;
  /** Names of those that this release cannot do without and that were not. */
  missing: string[];
  /** The one that the cluster writes; absent where that is not written down. */
  dataVersion: number | undefined;
  standing: "empty" | "behind" | "current" | "tooNew" | "earlier" | "foreign";
}

/** The version of the tables of Buildbot 2.10 to 3.3, from which on releases only added to them. */
const oldestUpgraded = "058";

/** Stands for the version where none, or more than one, is written down. */
const unstamped = "an unknown version";

export async function readSchemaState(
  connection: Connection,
  migrations: readonly Migration[] = allMigrations,
): Promise<SchemaState> {
  const buildbot = await readBuildbotVersion(connection);
  const applied = await readLedger(connection);
  const missing = migrations.filter(isNeeded).flatMap(({ name }) => (applied.has(name) ? [] : [name]));
  const hasVersion = await hasTable(connection, "mm_data_version");
  const dataVersion = hasVersion ? await readDataVersion(connection) : undefined;
  return { buildbot, own: applied.size, missing, dataVersion, standing: compare(buildbot, missing) };
}

/** What is to be taken away may stay a while, unless this release no longer reads what would be rewritten. */
function isNeeded(migration: Migration): boolean {
  return migration.kind === "expand" || migration.dataVersion <= dataVersions.oldest;
}

/** Migrations of ours that this release does not know are no hindrance: what it cannot live with has a data version. */
function compare(buildbot: string | undefined, missing: readonly string[]): SchemaState["standing"] {
  if (buildbot === undefined) return "empty";
  if (buildbot === unstamped) return "foreign";
  if (buildbot > buildbotVersion) return "tooNew";
  if (buildbot !== buildbotVersion) return buildbot >= oldestUpgraded ? "earlier" : "foreign";
  return missing.length > 0 ? "behind" : "current";
}

async function readBuildbotVersion(connection: Connection): Promise<string | undefined> {
  if (!(await hasTable(connection, "alembic_version"))) {
    // Until 3.4 another table had the version.
    if (await hasTable(connection, "migrate_version")) {
      const rows = await queryRows<{ version: number }>(connection, "select version from migrate_version");
      return rows.length === 1 ? String(rows[0]?.version).padStart(3, "0") : unstamped;
    }
    // Tables without a stamp are a half-made or very old Buildbot database; calling it empty would create over them.
    return (await hasTable(connection, "masters")) ? unstamped : undefined;
  }
  const rows = await queryRows<{ version_num: string }>(connection, "select version_num from alembic_version");
  return rows.length === 1 ? (rows[0]?.version_num ?? unstamped) : unstamped;
}

/** Words for a state: "nothing (the database is empty)", "067", "067+2". */
export function describeSchema({ buildbot, own }: Pick<SchemaState, "buildbot" | "own">): string {
  if (buildbot === undefined) return "nothing (the database is empty)";
  return own === 0 ? buildbot : `${buildbot}+${own}`;
}

/** Throws a sentence when no release of ours, or only a newer one, can do anything with the database. */
export function refuseUnknown(state: SchemaState): void {
  const found = describeSchema(state);
  if (state.standing === "tooNew") throw errors.databaseTooNew(found, buildbotVersion);
  if (state.standing === "earlier") throw errors.databaseOfEarlierBuildbot(found, buildbotVersion);
  if (state.standing === "foreign") throw errors.databaseOfOtherBuildbot(found, buildbotVersion);
  if (state.dataVersion !== undefined && state.dataVersion > dataVersions.newest)
    refuseDataVersion(state.dataVersion, dataVersions);
}

/** Throws a sentence unless the database has all that this release needs. */
export async function checkSchema(connection: Connection): Promise<void> {
  const state = await readSchemaState(connection);
  refuseUnknown(state);
  if (state.standing === "current") return;
  const wanted = describeSchema({ buildbot: buildbotVersion, own: state.own + state.missing.length });
  const names = state.standing === "empty" ? "" : ` ("${state.missing.join('", "')}")`;
  throw errors.databaseNotUpgraded(describeSchema(state), `${wanted}${names}`);
}
