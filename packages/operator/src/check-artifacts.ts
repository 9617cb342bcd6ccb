import type { LoadedConfig } from "@multimaster/config";
import { errors } from "@multimaster/core";
import { type Database, readObjectKeys } from "@multimaster/database";
import type { ArtifactStore } from "@multimaster/plugins";
import { openStore } from "./open-store.ts";
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

/** Compares the rows with what is in the store; changes nothing. It may run while the cluster works. */
export function checkArtifacts(config: LoadedConfig): Promise<ArtifactCheck> {
  const store = openStore(config);
  if (store === undefined) throw errors.notFound("The config names no artifact store (artifacts).");
  return withCluster(config, (database) => compareStore(database, store));
}

/** Compares the rows of a database with what is in a store. */
export async function compareStore(
  database: Database,
  store: Pick<ArtifactStore, "description" | "list">,
): Promise<ArtifactCheck> {
  // Objects first: an object comes after its row, so that none of them lacks a row for a moment.
  const objects = await listObjects(store);
  const count = objects.size;
  const { rows, damaged } = await compareRows(database, objects);
  // Objects have come and gone meanwhile: only what a second list confirms is wrong.
  const later = damaged.length + objects.size > 0 ? await listObjects(store) : objects;
  return {
    store: store.description,
    rows,
    objects: count,
    damaged: damaged.flatMap(({ key, ...one }) => (one.what === "missing" && later.has(key) ? [] : [one])),
    unknown: [...objects.keys()].filter((key) => later.has(key)).slice(0, mostReported),
  };
}

async function listObjects(store: Pick<ArtifactStore, "list">): Promise<Map<string, number>> {
  const objects = new Map<string, number>();
  for await (const { key, size } of store.list(new AbortController().signal)) objects.set(key, size);
  return objects;
}

/** Leaves those objects that no row names. */
async function compareRows(database: Database, objects: Map<string, number>) {
  const damaged: (ArtifactCheck["damaged"][number] & { readonly key: string })[] = [];
  const seen = new Map(objects);
  let rows = 0;
  for (let last = 0; ; ) {
    const page = await readObjectKeys(database, last);
    for (const { artifactid, key, state, name, size } of page) {
      last = artifactid;
      rows += 1;
      // Where there is none, a file that is not complete may be.
      objects.delete(key);
      objects.delete(`${key}.part`);
      const found = seen.get(key);
      if (state !== "complete" || found === Number(size) || damaged.length === mostReported) continue;
      damaged.push({ artifactid, name, key, what: found === undefined ? "missing" : "size" });
    }
    if (page.length === 0) return { rows, damaged };
  }
}
