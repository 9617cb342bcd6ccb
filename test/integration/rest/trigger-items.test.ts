import { type Database, execute } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { addRequests } from "../../harness/members.ts";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

const count = 2000;

/** Items 1 to 1990 succeeded in builds of their own, 1991 to 1994 failed, 1995 and 1996 were not built, the others go on. */
async function addItems(
  database: Database,
  buildid: number,
  stepid: number,
  requests: readonly number[],
): Promise<void> {
  const row = (number: number) => {
    const results = number <= 1990 ? 0 : number <= 1994 ? 2 : number <= 1996 ? 3 : null;
    const asked =
      number <= 1994 ? "[1]" : number <= 1998 && number > 1996 ? JSON.stringify([requests[number - 1997]]) : null;
    const note = results === 2 ? `make: error ${number}` : results === 3 ? 'not built: "x" has not succeeded' : null;
    const after = number === 1999 ? '["item 1997", "item 1"]' : "[]";
    return [buildid, stepid, number, `item ${number}`, after, asked, results, note];
  };
  for (let first = 1; first <= count; first += 500) {
    const rows = Array.from({ length: 500 }, (_, i) => row(first + i));
    await execute(
      database,
      `insert into mm_trigger_items (buildid, stepid, number, name, waits_for, requests, results, note)
       values ${rows.map(() => "(?, ?, ?, ?, ?, ?, ?, ?)").join(", ")}`,
      rows.flat(),
    );
  }
}

describe.each(engines)(`the ${count} items of a build on %s`, (engine) => {
  let server: RestServer;
  let database: Database;
  let asked = 0;
  let build: number;

  beforeAll(async () => {
    database = await newDatabase(engine);
    await seedRecorded(database);
    server = await startRestServer(database);
    const requests = await addRequests(database, 2);
    const { body } = await server.get("/api/v2/steps/1");
    build = body.steps[0].buildid;
    await execute(database, "update builds set complete_at = null, results = null where id = ?", [build]);
    await execute(database, "update steps set complete_at = null, results = null where id = 1");
    await addItems(database, build, 1, requests);
    database.watch(() => {
      asked += 1;
    });
  });

  const get = async (path: string) => {
    const { status, body } = await server.get(`/api/v2/${path}`);
    expect(status).toBe(200);
    return body;
  };

  it("are read in pages, what failed first, each with its builds or with what it waits for", async () => {
    asked = 0;
    const { trigger_items: items, meta } = await get(`builds/${build}/trigger_items?limit=100`);
    expect(asked).toBeLessThan(25);
    expect([items.length, meta.total]).toEqual([100, count]);
    expect(items.slice(0, 11).map(({ number, state, note }: never) => [number, state, note])).toEqual([
      [1991, "ended", "make: error 1991"],
      [1992, "ended", "make: error 1992"],
      [1993, "ended", "make: error 1993"],
      [1994, "ended", "make: error 1994"],
      [1997, "building", null],
      [1998, "building", null],
      [1999, "waiting", null],
      [2000, "waiting", null],
      [1995, "ended", 'not built: "x" has not succeeded'],
      [1996, "ended", 'not built: "x" has not succeeded'],
      [1, "ended", null],
    ]);
    expect(items[0].builds.length).toBeGreaterThan(0);
    expect(items[4].reasons[0]).toMatch(/\w/);
    expect(items[6].reasons).toEqual(["It comes after item 1997."]);
    expect(items[7].reasons[0]).toContain("It waits for its turn");
    const second = await get(`builds/${build}/trigger_items?limit=100&offset=1900`);
    expect(second.trigger_items.at(-1).number).toBe(1990);
  });

  it("are counted by state and result, in one query whatever their number", async () => {
    asked = 0;
    const { trigger_item_counts: counts } = await get(`builds/${build}/trigger_item_counts`);
    expect(asked).toBeLessThan(5);
    expect(counts).toEqual([
      { stepid: 1, state: "building", results: null, count: 2 },
      { stepid: 1, state: "ended", results: 0, count: 1990 },
      { stepid: 1, state: "ended", results: 2, count: 4 },
      { stepid: 1, state: "ended", results: 3, count: 2 },
      { stepid: 1, state: "waiting", results: null, count: 2 },
    ]);
  });

  it("are filtered by state, result and name, and are at most 500 in an answer", async () => {
    const names = async (query: string) =>
      (await get(`builds/${build}/trigger_items?${query}`)).trigger_items.map(({ name }: { name: string }) => name);
    expect(await names("state=waiting")).toEqual(["item 1999", "item 2000"]);
    expect(await names("results=2")).toEqual(["item 1991", "item 1992", "item 1993", "item 1994"]);
    expect(await names("name__contains=item 123&limit=3")).toEqual(["item 123", "item 1230", "item 1231"]);
    expect((await get("steps/1/trigger_items")).trigger_items).toHaveLength(500);
  });

  it("are abandoned when their step has ended, and go with their build", async () => {
    await execute(database, "update steps set complete_at = 1, results = 6 where id = 1");
    const { trigger_items: items } = await get(`builds/${build}/trigger_items?state=abandoned`);
    expect(items.map(({ number, reasons }: never) => [number, reasons])).toEqual([
      [1997, []],
      [1998, []],
      [1999, []],
      [2000, []],
    ]);
    await execute(database, "delete from builds where id = ?", [build]);
    expect((await get("steps/1/trigger_items")).meta.total).toBe(0);
  });
});
