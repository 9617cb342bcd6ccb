import { execute } from "@multimaster/database";
import { compareStore } from "@multimaster/operator/check-artifacts";
import { expect, it } from "vitest";
import { newDatabase } from "../../harness/test-databases.ts";

it("the check of a store reports what is wrong, and nothing that came or went while it ran", async () => {
  const database = await newDatabase("sqlite");
  const columns =
    "artifactid, buildid, builderid, stepid, masterid, uploadid, name, object_key, from_fork, size, sha256, state, created_at";
  const add = (id: number, key: string) =>
    execute(
      database,
      `insert into mm_artifacts (${columns}) values (?, 1, 1, 1, 1, 'u', ?, ?, 0, 3, 'aa', 'complete', 1)`,
      [id, `file-${key}`, key],
    );
  for (const [i, key] of ["good", "small", "missing", "new"].entries()) await add(i + 1, key);
  const lists = [
    { good: 3, small: 2, unknown: 3, removed: 3 },
    { good: 3, small: 2, unknown: 3, new: 3 },
  ];
  const store = {
    description: "a store",
    async *list() {
      for (const [key, size] of Object.entries(lists.shift() ?? {})) yield { key, size };
    },
  };
  expect(await compareStore(database, store)).toEqual({
    store: "a store",
    rows: 4,
    objects: 4,
    damaged: [
      { artifactid: 2, name: "file-small", what: "size" },
      { artifactid: 3, name: "file-missing", what: "missing" },
    ],
    unknown: ["unknown"],
  });
});
