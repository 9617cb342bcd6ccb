import { raiseToCommonVersion, requireLease, writesDataVersion } from "@multimaster/cluster";
import { type Database, queryRows, readDataVersion } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { evictDead, expire, join, joinAsEvictor, leave, makeSteady } from "../../harness/members.ts";
import { table } from "../../harness/table.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

const release = (newest: number, oldest = 1) => ({ dataVersions: { oldest, newest } });

describe.each(engines)("the data version on %s", (engine) => {
  let database: Database;
  beforeEach(async () => {
    database = await newDatabase(engine);
  });

  it("is 1 in a new database, and rises to what all masters understand, once", async () => {
    expect(await readDataVersion(database)).toBe(1);
    await join(database, release(4));
    await join(database, release(3));
    const raised = await Promise.all([raiseToCommonVersion(database, 4), raiseToCommonVersion(database, 4)]);
    expect(raised.filter((version) => version !== undefined)).toEqual([3]);
    expect(await readDataVersion(database)).toBe(3);
  });

  it("is read by each writer, in the transaction that writes", async () => {
    const { lease } = await join(database, release(2));
    const writes = (version: number) =>
      database.transaction(async (tx) => {
        await requireLease(tx, lease);
        return writesDataVersion(tx, version);
      });
    expect(await writes(2)).toBe(false);
    await raiseToCommonVersion(database);
    expect(await writes(1)).toBe(true);
    expect(await writes(2)).toBe(true);
    expect(await writes(3)).toBe(false);
  });

  it("waits for the last master of an older release, also while that one stands still, until it is evicted", async () => {
    const evictor = await joinAsEvictor(database, release(2));
    const { lease: old } = await join(database, release(1));
    await expire(database, old);
    expect(await raiseToCommonVersion(database)).toBeUndefined();
    expect(await evictDead(database, evictor)).toHaveLength(1);
    expect(await raiseToCommonVersion(database)).toBe(2);
  });

  it("lets an older release join until it has risen, and refuses it with a sentence ever after", async () => {
    const { lease: young } = await join(database, release(3));
    const { lease: old } = await join(database, release(1));
    await raiseToCommonVersion(database, 3);
    await leave(database, old);
    const { lease: again } = await join(database, release(1));
    await leave(database, again);
    expect(await raiseToCommonVersion(database, 3)).toBe(3);
    const refused = /writes data version 3, this release knows no newer one than 1.*newer release/;
    await expect(join(database, release(1))).rejects.toThrow(refused);
    // No master is live any more, but what was written is still there.
    await leave(database, young);
    await expect(join(database, release(2))).rejects.toThrow(/than 2/);
    await join(database, release(3));
  });

  it("refuses a lease to masters of the first release, which do not read it, when they wake long after", async () => {
    const { lease: old } = await join(database, release(1));
    const oldRow = await table(database, "mm_leases").where({ masterid: old.masterid }).first();
    await leave(database, old);
    await join(database, release(2));
    await raiseToCommonVersion(database);
    await table(database, "mm_leases").where({ masterid: old.masterid }).delete();
    await expect(table(database, "mm_leases").insert(oldRow)).rejects.toThrow(
      /this release is older than the data version/,
    );
    await table(database, "mm_leases").insert({ ...oldRow, data_version: 2 });
  });

  it("refuses a release that no longer reads what is there", async () => {
    await expect(join(database, release(4, 2))).rejects.toThrow(
      /data version 1, this release knows 2 to 4.*in between/,
    );
  });

  it("is decided by one: a master of an older release that joins at that moment holds it down, or is refused", async () => {
    await join(database, release(2));
    const [raised, joined] = await Promise.allSettled([raiseToCommonVersion(database), join(database, release(1))]);
    const [version] = await queryRows<{ version: number }>(database, "select version from mm_data_version");
    expect(raised.status).toBe("fulfilled");
    expect(joined.status === "fulfilled" ? 1 : 2).toBe(version?.version);
  });

  it("does not rise by the word of a master that has been evicted and knows less than the others", async () => {
    const { lease: old } = await join(database, release(1));
    await expire(database, old);
    const evictor = await joinAsEvictor(database, release(3));
    await makeSteady(database, evictor);
    await evictDead(database, evictor);
    expect(await raiseToCommonVersion(database, 1)).toBeUndefined();
  });
});
