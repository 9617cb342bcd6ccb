import { ConfigProblems, type ConfigSummary, checkConfig, collect, type LoadedConfig } from "@multimaster/config";
import { append, errors, UserError } from "@multimaster/core";
import { parseDatabaseUrl } from "@multimaster/database";

/**
 * `checkConfig`, or another check, and whether a master could use the database and the bus that the config names; it connects
 * to neither.
 */
export async function checkClusterConfig(config: LoadedConfig): Promise<ConfigSummary>;
export async function checkClusterConfig<T>(
  config: LoadedConfig,
  check: (config: LoadedConfig) => Promise<T>,
): Promise<T>;
export async function checkClusterConfig(
  config: LoadedConfig,
  check: (config: LoadedConfig) => Promise<unknown> = checkConfig,
): Promise<unknown> {
  const problems: string[] = [];
  let checked: unknown;
  await collect(problems, async () => {
    checked = await check(config);
  });
  append(problems, checkDatabase(config));
  if (problems.length > 0) throw new ConfigProblems(problems, config.warnings());
  return checked;
}

function checkDatabase({ shared: { database, bus }, placeOf }: LoadedConfig): string[] {
  // The schema of the shared part has already reported a value of another type.
  if (typeof database !== "string") return [];
  try {
    const { engine } = parseDatabaseUrl(database);
    return bus?.notify && bus.router === undefined && engine === "sqlite"
      ? [`${placeOf("cluster")}: bus.notify: ${errors.notifyNeedsPostgresql().message}`]
      : [];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [`${placeOf("cluster")}: database: ${error.message}`];
  }
}
