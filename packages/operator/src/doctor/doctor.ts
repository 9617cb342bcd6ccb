import { existsSync } from "node:fs";
import type { LoadedConfig } from "@multimaster/config";
import { createLog, describeCause } from "@multimaster/core";
import { type Database, openDatabase, parseDatabaseUrl } from "@multimaster/database";
import { readClusterStatus } from "../status.ts";
import { examineBus } from "./examine-bus.ts";
import { examineDatabase } from "./examine-database.ts";
import { examineDirectories, examineNode } from "./examine-host.ts";
import { examineMasters } from "./examine-masters.ts";
import { examineAddress, examineCertificate, examineStore } from "./examine-services.ts";
import { type Finding, findingsOf } from "./finding.ts";

export type { Finding };

/** Looks at everything around the masters of a config, from this host; changes nothing but a probe in the artifact store. */
export async function examineCluster(config: LoadedConfig): Promise<Finding[]> {
  return [
    examineNode(),
    ...(await examineDirectories(config)),
    ...(await examineWithDatabase(config)),
    ...(await examineStore(config)),
    ...(await examineCertificate(config)),
    ...(await examineAddress(config)),
  ];
}

async function examineWithDatabase(config: LoadedConfig): Promise<Finding[]> {
  const { failed, warning } = findingsOf("database");
  const url = parseDatabaseUrl(config.shared.database);
  // Opening it would create it.
  if (url.engine === "sqlite" && !existsSync(url.file))
    return [warning(`${url.file} is not there yet`, "the first start of the master makes it")];
  let database: Database;
  try {
    database = await openDatabase(config.shared.database, { log: createLog({ level: "fatal" }), poolSize: 2 });
  } catch (error) {
    return [failed(describeCause(error), "start the server, and check address, user and password (docs/database.md)")];
  }
  try {
    const found = await examineDatabase(config, database);
    const isUsable = found.every(({ verdict }) => verdict !== "failed");
    return [
      ...found,
      await examineBus(config, database),
      ...(isUsable ? examineMasters(await readClusterStatus(config)) : []),
    ];
  } finally {
    await database.close();
  }
}
