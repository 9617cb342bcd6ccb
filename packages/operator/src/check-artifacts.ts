import type { LoadedConfig } from "@multimaster/config";
import { errors, systemClock } from "@multimaster/core";
import { type Database, readObjectKeys } from "@multimaster/database";
import type { ArtifactStoreDefinition } from "@multimaster/plugins";
import { withCluster } from "./with-cluster.ts";

/** What the rows and the artifact store disagree about. */
export interface ArtifactCheck {
  readonly store: string;
  readonly rows: number;
  readonly objects: number;
  /** Complete artifacts and caches whose object is missing, or has another size. */
  readonly damaged: readonly {
    readonly artifactid: number;
    readonly name: string;
    readonly what: "missing" | "size";
  }[];
  /** Objects that no row names: a database was restored from a backup, or two clusters use one place. */
  readonly unknown: readonly string[];
}

/** Objects and rows that one check remembers. */
const mostReported = 1000;

/**
 * Compares the rows with what is in the store; changes nothing. It may run while the cluster works: rows are read before and after
 * the objects, and what comes or goes meanwhile is not reported.
 */
export function checkArtifacts(config: LoadedConfig): Promise<ArtifactCheck> {
  const { artifacts } = config.shared;
  if (artifacts === undefined) throw errors.notFound("The config names no artifact store (artifacts).");
  const { plugin, options } = artifacts.store;
  const context = { configDirectory: config.directory, clock: systemClock };
  const store = (plugin as ArtifactStoreDefinition).open(context, options);
  return withCluster(config, async (database) => {
    /** By key, whether the object was complete. */
    const before = new Map<string, boolean>();
    for await (const { key, state } of readRows(database)) before.set(key, state === "complete");
    const objects = new Map<string, number>();
    for await (const { key, size } of store.list(new AbortController().signal)) objects.set(key, size);
    const { rows, damaged, unknown } = await compareRows(database, before, objects);
    return { store: store.description, rows, objects: objects.size, damaged, unknown };
  });
}

async function compareRows(
  database: Database,
  before: ReadonlyMap<string, boolean>,
  objects: ReadonlyMap<string, number>,
): Promise<Pick<ArtifactCheck, "rows" | "damaged" | "unknown">> {
  const damaged: ArtifactCheck["damaged"][number][] = [];
  const after = new Set<string>();
  for await (const { artifactid, key, state, name, size } of readRows(database)) {
    after.add(key);
    const found = objects.get(key);
    const wasComplete = state === "complete" && before.get(key) === true;
    if (!wasComplete || found === Number(size) || damaged.length === mostReported) continue;
    damaged.push({ artifactid, name, what: found === undefined ? "missing" : "size" });
  }
  // A file that is not complete has its row, too.
  const isKnown = (key: string) => before.has(key) || after.has(key);
  const unknown = [...objects.keys()].filter((key) => !isKnown(key.replace(/\.part$/, "")));
  return { rows: after.size, damaged, unknown: unknown.slice(0, mostReported) };
}

async function* readRows(database: Database): AsyncGenerator<Awaited<ReturnType<typeof readObjectKeys>>[number]> {
  for (let last = 0; ; ) {
    const page = await readObjectKeys(database, last);
    if (page.length === 0) return;
    yield* page;
    last = page.at(-1)?.artifactid ?? last;
  }
}
