import { errors } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { buildbotVersion } from "./buildbot.ts";
import { newestMigration } from "./migrations.ts";

/** Where the schema of a database stands, as compared with what this release needs. */
export interface SchemaState {
  /** Version of Buildbot's tables; absent in an empty database. */
  buildbot: string | undefined;
  /** Newest of our own migrations applied; 0 for none. */
  own: number;
  standing: "empty" | "behind" | "current" | "tooNew" | "foreign";
}

/** Stands for the version where none, or more than one, is written down. */
const unstamped = "an unknown version";

export async function readSchemaState(connection: Connection): Promise<SchemaState> {
  const buildbot = await readBuildbotVersion(connection);
  const own = await readNewestMigration(connection);
  return { buildbot, own, standing: compare(buildbot, own) };
}

function compare(buildbot: string | undefined, own: number): SchemaState["standing"] {
  if (buildbot === undefined) return "empty";
  if (buildbot === unstamped) return "foreign";
  if (buildbot > buildbotVersion || own > newestMigration) return "tooNew";
  if (buildbot !== buildbotVersion) return "foreign";
  return own < newestMigration ? "behind" : "current";
}

async function readBuildbotVersion(connection: Connection): Promise<string | undefined> {
  if (!(await connection.sql.schema.hasTable("alembic_version"))) {
    // Tables without a stamp are a half-made or very old Buildbot database; calling it empty would create over them.
    return (await connection.sql.schema.hasTable("masters")) ? unstamped : undefined;
  }
  const rows = await queryRows<{ version_num: string }>(connection, "select version_num from alembic_version");
  return rows.length === 1 ? (rows[0]?.version_num ?? unstamped) : unstamped;
}

async function readNewestMigration(connection: Connection): Promise<number> {
  if (!(await connection.sql.schema.hasTable("mm_migrations"))) return 0;
  const rows = await queryRows<{ newest: number | null }>(connection, "select max(id) as newest from mm_migrations");
  return rows[0]?.newest ?? 0;
}

/** Words for a state: "nothing (the database is empty)", "067", "067+2". */
export function describeSchema(buildbot: string | undefined, own: number): string {
  if (buildbot === undefined) return "nothing (the database is empty)";
  return own === 0 ? buildbot : `${buildbot}+${own}`;
}

export const wantedSchema = describeSchema(buildbotVersion, newestMigration);

/** Throws a sentence unless the database is exactly what this release works on. */
export async function checkSchema(connection: Connection): Promise<void> {
  const { buildbot, own, standing } = await readSchemaState(connection);
  if (standing === "current") return;
  const found = describeSchema(buildbot, own);
  if (standing === "foreign") throw errors.databaseOfOtherBuildbot(found, buildbotVersion);
  throw standing === "tooNew"
    ? errors.databaseTooNew(found, wantedSchema)
    : errors.databaseNotUpgraded(found, wantedSchema);
}
