import { type Database, queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { newDatabase } from "../../harness/test-databases.ts";

const names = ["ok", "warned", "broken", "odd <&\"'>", "busy", "fresh", "gone"];

let database: Database;
let server: RestServer;
beforeAll(async () => {
  database = await newDatabase("sqlite");
  server = await startRestServer(database);
  const { body } = await server.get("/api/v2/masters");
  const masterid = body.masters[0].masterid;
  const insert = (sql: string, values: unknown[]) => queryRows(database, sql, values);
  await insert("insert into workers (id, name, info, paused, graceful) values (1, 'w', '{}', 0, 0)", []);
  for (const [i, name] of names.entries()) {
    await insert("insert into builders (id, name, name_hash) values (?, ?, ?)", [i + 1, name, `hash ${i}`]);
    if (name !== "gone")
      await insert("insert into builder_masters (builderid, masterid) values (?, ?)", [i + 1, masterid]);
  }
  await insert("insert into buildsets (id, submitted_at, complete) values (1, 1, 0)", []);
  const build = async (builderid: number, number: number, results: number | null) => {
    const id = builderid * 10 + number;
    await insert(
      "insert into buildrequests (id, buildsetid, builderid, priority, complete, submitted_at) values (?, 1, ?, 0, 0, 1)",
      [id, builderid],
    );
    await insert(
      `insert into builds (id, number, builderid, buildrequestid, workerid, masterid, started_at, complete_at, results, locks_duration_s, state_string)
       values (?, ?, ?, ?, 1, ?, 1000, ?, ?, 0, '')`,
      [id, number, builderid, id, masterid, results === null ? null : 1_700_000_000, results],
    );
  };
  await build(1, 1, 2);
  await build(1, 2, 0);
  await build(2, 1, 1);
  await build(3, 1, 2);
  await build(4, 1, 4);
  await build(5, 1, 2);
  await build(5, 2, null);
});

describe("badges", () => {
  it.each([
    ["ok", "success"],
    ["warned", "warnings"],
    ["broken", "failure"],
    [encodeURIComponent("odd <&\"'>"), "exception"],
    ["busy", "running"],
    ["fresh", "unknown"],
    ["no-such-builder", "unknown"],
    ["%E0", "unknown"],
  ])("say of %s how its latest build went: %s", async (name, status) => {
    for (const path of [`/badges/${name}.svg`, `/plugins/badges/${name}.svg`]) {
      const { status: code, contentType, text } = await server.get(path);
      expect([code, contentType]).toEqual([200, "image/svg+xml"]);
      expect(text).toContain(`<title>Build Status: ${status}</title>`);
    }
  });

  it("have the words and the colour that are asked for, and nothing that is more than that", async () => {
    const { text } = await server.get(`/badges/ok.svg?left_text=${encodeURIComponent("<b>\u0001")}&left_color=%23123`);
    expect(text).toContain("<title>&#60;b&#62;: success</title>");
    expect(text).toContain('fill="#123"');
    const { text: other } = await server.get('/badges/ok.svg?left_color="/><script>');
    expect(other).not.toContain("script");
    expect(other).toContain('fill="#555"');
  });
});

it("cc.xml lists each builder that a master has", async () => {
  const { text, contentType } = await server.get("/cc.xml");
  expect(contentType).toBe("application/xml; charset=utf-8");
  const found = [...text.matchAll(/name="([^"]*)" activity="(\w+)" lastBuildStatus="(\w+)" lastBuildLabel="(\d*)"/g)];
  expect(found.map((match) => match.slice(1, 5))).toEqual([
    ["broken", "Sleeping", "Failure", "1"],
    ["busy", "Building", "Failure", "1"],
    ["fresh", "Sleeping", "Unknown", ""],
    ["odd &#60;&#38;&#34;&#39;&#62;", "Sleeping", "Exception", "1"],
    ["ok", "Sleeping", "Success", "2"],
    ["warned", "Sleeping", "Success", "1"],
  ]);
  expect(text).toContain('lastBuildTime="2023-11-14T22:13:20.000Z"');
  expect(text).toContain(`webUrl="${server.url}#/builders/1"`);
});
