import {
  abandonUpload,
  deleteBuilds,
  execute,
  expireArtifacts,
  insertArtifacts,
  keepBuild,
  publishArtifacts,
  queryRows,
} from "@multimaster/database";
import { expect, it } from "vitest";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

it.each(engines)(
  "removes artifacts of older builds, not those that forks push out, of a running or a kept build (%s)",
  async (engine) => {
    const database = await newDatabase(engine);
    await seedRecorded(database);
    const builds = await queryRows<{ id: number }>(database, "select id from builds order by id limit 5");
    const [first, running, fork, second, third] = builds.map(({ id }) => id);
    await execute(
      database,
      "update builds set complete_at = 1, number = 1000 + id, builderid = (select min(builderid) from builds)",
    );
    await execute(database, "update builds set complete_at = null where id = ?", [running]);
    const uploads = [first, running, fork, second, third].map((buildid, n) => ({ buildid: buildid ?? 0, n }));
    for (const { buildid, n } of uploads) {
      const upload = { uploadid: `u${n}`, buildid, stepid: 1, masterid: 1, fromFork: buildid === fork };
      await database.transaction(async (tx) => {
        await insertArtifacts(tx, upload, [{ name: "a", key: `ab/0000000000-${n}`, size: 1, sha256: "x" }]);
        await publishArtifacts(tx, upload.uploadid);
      });
    }
    const bounds = { keepForSeconds: null, keepBuilds: 2, cacheUnusedSeconds: 1e9, cacheBytes: 1e15 };
    const expire = async (since: number | null = null) => (await expireArtifacts(database, bounds, since)).expired;
    expect(await expire()).toBe(1);
    const kept = async () =>
      (
        await queryRows<{ buildid: number }>(
          database,
          "select buildid from mm_artifacts where state = 'complete' order by buildid",
        )
      ).map(({ buildid }) => buildid);
    expect(await kept()).toEqual([running, fork, second, third]);
    // The same name of the same build is replaced, and of no other.
    const again = { uploadid: "again", buildid: running ?? 0, stepid: 1, masterid: 1, fromFork: false };
    await database.transaction(async (tx) => {
      await insertArtifacts(tx, again, [{ name: "a", key: "ab/0000000000-9", size: 1, sha256: "x" }]);
      expect(await publishArtifacts(tx, "again")).toHaveLength(1);
    });
    expect(await kept()).toEqual([running, fork, second, third]);

    // One of two files is not whole: neither is seen.
    const half = { ...again, uploadid: "half" };
    await database.transaction((tx) =>
      insertArtifacts(tx, half, [
        { name: "whole", key: "ab/0000000000-a", size: 1, sha256: "x" },
        { name: "half", key: "ab/0000000000-b" },
      ]),
    );
    await expect(database.transaction((tx) => publishArtifacts(tx, "half"))).rejects.toThrow(
      "upload half is not complete",
    );
    expect(await kept()).toEqual([running, fork, second, third]);
    await database.transaction((tx) => abandonUpload(tx, "half", "its upload failed"));

    // The running build is an older one as soon as it ends: only builders with a build that has ended since are asked.
    await execute(database, "update builds set complete_at = 500 where id = ?", [running]);
    expect(await expire(1000)).toBe(0);
    await database.transaction((tx) => keepBuild(tx, running ?? 0, { who: "ann", name: "Ann", reason: null }));
    expect(await expire(550)).toBe(0);
    await execute(database, "delete from mm_kept_builds");
    expect(await expire(550)).toBe(1);
    expect(await kept()).toEqual([fork, second, third]);

    await database.transaction((tx) =>
      deleteBuilds(tx, [{ id: third ?? 0, builderid: 1, number: 1000 + (third ?? 0), requestid: 1 }]),
    );
    expect(await kept()).toEqual([fork, second]);
    const reasons = await queryRows(
      database,
      "select reason from mm_artifacts where state = 'removing' and uploadid <> 'half' order by artifactid",
    );
    expect(reasons.map(({ reason }) => reason)).toEqual([
      "of an older build",
      "replaced",
      "of a build that is gone",
      "of an older build",
    ]);
  },
);
