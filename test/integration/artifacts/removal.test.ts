import { execute, expireArtifacts, insertArtifacts, publishArtifacts, queryRows } from "@multimaster/database";
import { expect, it } from "vitest";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { newDatabase } from "../../harness/test-databases.ts";

it("removes artifacts of older builds: those of forks push out no others, and a build that runs keeps its own", async () => {
  const database = await newDatabase("sqlite");
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
  expect(await expireArtifacts(database, bounds)).toBe(1);
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
});
