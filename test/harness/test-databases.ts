import { join } from "node:path";
import { silentLog } from "@multimaster/core";
import { type Database, openDatabase, upgradeDatabase } from "@multimaster/database";
import { onCleanup } from "./cleanup.ts";
import { sharedPostgres } from "./postgres.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export const engines = ["sqlite", "postgresql"] as const;
export type Engine = (typeof engines)[number];

/** URL of a new, empty database. */
export async function newDatabaseUrl(engine: Engine): Promise<string> {
  if (engine === "postgresql") return (await sharedPostgres()).createDatabase();
  return `sqlite:${join(temporaryDirectory("database"), "state.sqlite")}`;
}

/** Opens a database until the test file is over. */
export async function openTestDatabase(url: string, exclusive = false): Promise<Database> {
  const database = await openDatabase(url, { log: silentLog, exclusive });
  onCleanup(() => database.close());
  return database;
}

/** A new database with the whole schema. */
export async function newDatabase(engine: Engine): Promise<Database> {
  const database = await openTestDatabase(await newDatabaseUrl(engine));
  await upgradeDatabase(database);
  return database;
}
