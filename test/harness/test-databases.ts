import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "@multimaster/core";
import { type Database, openDatabase, upgradeDatabase } from "@multimaster/database";
import { onCleanup } from "./cleanup.ts";
import { preparedData, schemaDatabase, sharedPostgres } from "./postgres.ts";
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

/** By engine, a database with the whole schema which no one has open: made once for a test file, then copied. */
const templates = new Map<Engine, Promise<string>>();

async function makeTemplate(engine: Engine): Promise<string> {
  if (engine === "postgresql" && process.env[preparedData]) {
    const url = new URL((await sharedPostgres()).url);
    url.pathname = schemaDatabase;
    return url.href;
  }
  const url = await newDatabaseUrl(engine);
  const database = await openDatabase(url, { log: silentLog });
  await upgradeDatabase(database);
  await database.close();
  return url;
}

/** URL of a new database with the whole schema. */
export async function newSchemaUrl(engine: Engine): Promise<string> {
  let making = templates.get(engine);
  if (!making) {
    making = makeTemplate(engine);
    templates.set(engine, making);
    onCleanup(() => void templates.delete(engine));
  }
  const template = new URL(await making).pathname;
  if (engine === "postgresql") return (await sharedPostgres()).createDatabase(template.slice(1));
  const url = await newDatabaseUrl(engine);
  copyFileSync(template, new URL(url).pathname);
  return url;
}

/** A new database with the whole schema. */
export async function newDatabase(engine: Engine): Promise<Database> {
  return openTestDatabase(await newSchemaUrl(engine));
}
