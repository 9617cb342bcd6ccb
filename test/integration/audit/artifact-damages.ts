import { type Connection, execute } from "@multimaster/database";
import type { Damage } from "./damages.ts";

const artifact =
  "(artifactid, buildid, builderid, stepid, masterid, uploadid, name, object_key, from_fork, state, created_at)";
const addArtifact = (tx: Connection, build: number, state: string) =>
  execute(tx, `insert into mm_artifacts ${artifact} values (7, ?, 1, 1, 1, 'u', 'app', 'ab/key', 0, ?, 1)`, [
    build,
    state,
  ]);

/** What the checks of artifacts find. */
export const artifactDamages: Readonly<Record<string, Damage>> = {
  "artifact-without-checksum": {
    do: (tx, { finished }) => addArtifact(tx, finished.build, "complete"),
    ids: () => [7],
  },
  "artifact-upload-left": {
    do: (tx, { finished }) => addArtifact(tx, finished.build, "uploading"),
    ids: () => [7],
  },
};
