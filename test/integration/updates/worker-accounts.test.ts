import { insertWorkerAccount, workerAccountsVersion } from "@multimaster/database";
import { expect, it } from "vitest";
import { newDatabase } from "../../harness/test-databases.ts";

const account = (name: string) => ({
  name,
  secret_hash: "",
  md5_sealed: null,
  max_builds: 1,
  properties: "{}",
  options: null,
});

it("engines notice a worker account that commits after one with a higher id", async () => {
  const database = await newDatabase("postgresql");
  let noteInserted = () => {};
  let commit = () => {};
  const inserted = new Promise<void>((resolve) => (noteInserted = resolve));
  const mayCommit = new Promise<void>((resolve) => (commit = resolve));
  const late = database.transaction(async (tx) => {
    await insertWorkerAccount(tx, account("late"));
    noteInserted();
    await mayCommit;
  });
  await inserted;
  await database.transaction((tx) => insertWorkerAccount(tx, account("early")));
  const before = await workerAccountsVersion(database);
  commit();
  await late;
  expect(await workerAccountsVersion(database)).not.toBe(before);
});
