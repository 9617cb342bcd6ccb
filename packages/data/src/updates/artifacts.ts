import { fencedTransaction } from "@multimaster/cluster";
import {
  type ArtifactBounds,
  type ArtifactRow,
  type ArtifactWish,
  abandonUpload,
  countArtifacts,
  deleteArtifactRows,
  type Expiry,
  expireArtifacts,
  findBuildWithArtifacts,
  holdRunningBuild,
  insertArtifacts,
  type NewArtifact,
  type NewUpload,
  noteStored,
  publishArtifacts,
  type RemovableObject,
  readArtifact,
  readArtifacts,
  readNamedArtifact,
  takeCache,
  takeRemovable,
} from "@multimaster/database";
import { artifacts } from "../resources/artifacts.ts";
import type { UpdateContext } from "./update-context.ts";

export type { ArtifactBounds, ArtifactRow, ArtifactWish, NewArtifact, RemovableObject };

/** An upload of a build that runs on this master. */
export type Upload = Omit<NewUpload, "masterid">;

/**
 * The rows of what is in the artifact store. A row comes before its object and goes after it, and no one sees it before all
 * of its upload is complete: whichever master dies, no half artifact is seen, and no object is without a row.
 */
export interface ArtifactUpdates {
  /** Adds the rows of objects that are about to be written (fenced); a repeated call adds nothing. */
  begin(upload: Upload, wanted: readonly NewArtifact[]): Promise<void>;
  /** Notes size and checksum of an object that is written (fenced). */
  stored(key: string, facts: { readonly size: number; readonly sha256: string }): Promise<void>;
  /** Makes an upload visible, all of it together (fenced). */
  publish(upload: Upload): Promise<readonly ArtifactRow[]>;
  /** An upload that ended early: its objects are removed soon. */
  abandon(uploadid: string, reason: string): Promise<void>;
  /** The newest build that has such artifacts. */
  findBuild(wish: ArtifactWish): Promise<number | undefined>;
  /** Artifacts of a build by name, at most `limit`. */
  ofBuild(buildid: number, forks: boolean, limit: number): Promise<readonly ArtifactRow[]>;
  read(artifactid: number): Promise<ArtifactRow | undefined>;
  readNamed(buildid: number, name: string): Promise<ArtifactRow | undefined>;
  /** The cache of a key or of a prefix among the fallback keys; it counts as used. */
  takeCache(scope: string, key: string, fallbackKeys: readonly string[]): Promise<ArtifactRow | undefined>;
  /** Marks what is to be removed; `since` is the beginning of the last whole round. */
  expire(bounds: ArtifactBounds, since: number | null): Promise<Expiry>;
  /** Objects that this master is to remove now. */
  takeRemovable(): Promise<readonly RemovableObject[]>;
  /** Deletes the rows of objects that are gone. */
  removed(artifactids: readonly number[]): Promise<void>;
  count(): ReturnType<typeof countArtifacts>;
}

/** Events of an upload of very many files would be in the way of all others. */
const mostEvents = 100;

export function createArtifactUpdates({ database, lease, events, track }: UpdateContext): ArtifactUpdates {
  return {
    begin: (upload, wanted) =>
      fencedTransaction(database, lease, async (tx) => {
        if (!(await holdRunningBuild(tx, upload.buildid, lease.masterid)))
          throw new Error(`build ${upload.buildid} does not run on this master`);
        await insertArtifacts(tx, { ...upload, masterid: lease.masterid }, wanted);
      }),
    async stored(key, facts) {
      if (!(await fencedTransaction(database, lease, (tx) => noteStored(tx, key, facts))))
        throw new Error(`the upload of object ${key} has been ended`);
    },
    async publish({ uploadid, buildid }) {
      const rows = await fencedTransaction(database, lease, async (tx) => {
        if (!(await holdRunningBuild(tx, buildid, lease.masterid)))
          throw new Error(`build ${buildid} does not run on this master`);
        return publishArtifacts(tx, uploadid);
      });
      const ids = rows.slice(0, mostEvents).map(({ artifactid }) => artifactid);
      if (ids.length > 0) await track(events.of(artifacts).new(ids));
      return rows;
    },
    abandon: (uploadid, reason) => abandonUpload(database, uploadid, reason),
    findBuild: (wish) => findBuildWithArtifacts(database, wish),
    ofBuild: (buildid, forks, limit) => readArtifacts(database, buildid, forks, limit),
    read: (artifactid) => readArtifact(database, artifactid),
    readNamed: (buildid, name) => readNamedArtifact(database, buildid, name),
    takeCache: (scope, key, fallbackKeys) => database.transaction((tx) => takeCache(tx, scope, key, fallbackKeys)),
    expire: (bounds, since) => expireArtifacts(database, bounds, since),
    takeRemovable: () => takeRemovable(database),
    removed: (artifactids) => deleteArtifactRows(database, artifactids),
    count: () => countArtifacts(database),
  };
}
