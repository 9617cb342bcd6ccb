import { request } from "node:http";
import { gunzipSync } from "node:zlib";
import { type Database, queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

describe.each(engines)("answers that were had before, on %s", (engine) => {
  let server: RestServer;
  let database: Database;
  const text = `${Array.from({ length: 3000 }, (_, i) => `line ${i} äöü`).join("\n")}\n`;
  beforeAll(async () => {
    database = await newDatabase(engine);
    await seedRecorded(database);
    server = await startRestServer(database);
    const log =
      "insert into logs (id, name, slug, stepid, complete, num_lines, type) values (?, 'x', ?, 7, ?, 3000, 't')";
    for (const [id, complete] of [
      [100, 1],
      [101, 0],
    ] as const) {
      await queryRows(database, log, [id, `x${id}`, complete]);
      const lines = text.trimEnd().split("\n");
      for (let first = 0; first < lines.length; first += 100) {
        const content = Buffer.from(lines.slice(first, first + 100).join("\n"));
        await queryRows(
          database,
          "insert into logchunks (logid, first_line, last_line, content, compressed) values (?, ?, ?, ?, 0)",
          [id, first, first + 99, content],
        );
      }
    }
  });

  const bytes = Buffer.from(text);
  const json = { accept: "application/json" };
  /** By plain HTTP: fetch adds headers that forbid what is tested here. */
  const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    new Promise<{ status: number | undefined; body: Buffer; header(name: string): string | undefined }>(
      (resolve, reject) => {
        const sent = request(new URL(path, server.url), { method, headers }, async (response) => {
          const body = Buffer.concat(await response.toArray());
          const header = (name: string) => response.headers[name]?.toString();
          resolve({ status: response.statusCode, body, header });
        });
        sent.on("error", reject).end();
      },
    );

  it("are not sent again until they are others", async () => {
    const first = await get("/api/v2/builders", { accept: "application/json" });
    const tag = first.header("etag") as string;
    expect(tag).toMatch(/^W\/"/);
    expect(first.header("cache-control")).toBe("private, no-cache");
    const again = await get("/api/v2/builders", { accept: "application/json", "if-none-match": tag });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    expect((await get("/api/v2/builders", { "if-none-match": tag })).status, "as text").toBe(200);
    await queryRows(database, "update builders set description = 'other' where id = 1");
    expect((await get("/api/v2/builders", { accept: "application/json", "if-none-match": tag })).status).toBe(200);
    const missing = await get("/api/v2/builders/999");
    expect([missing.header("etag"), missing.header("cache-control")]).toEqual([undefined, "no-store"]);
  });

  it("are the same for programs, which are answered without the layers of the app", async () => {
    for (const path of [
      "builders",
      "builders/1",
      "builds?order=-buildid&limit=2&property=*",
      "builds/1?property=*",
      "builds?field=buildid&field=complete&field=state_string",
      "buildrequests?property=scheduler&limit=3",
      "builds?limit=0",
      "builds?nonsense=1",
      "builds/999",
      "nothing",
      "workers",
      "changes",
      "steps/7/logs",
    ]) {
      const direct = await get(`/api/v2/${path}`, json);
      const app = await get(`/api/v2/${path}`, { ...json, "accept-encoding": "gzip;q=0, identity" });
      expect(direct.body.toString(), path).toBe(app.body.toString());
      for (const name of ["etag", "content-type", "cache-control", "content-length", "content-security-policy"])
        expect([name, direct.header(name)], path).toEqual([name, app.header(name)]);
      expect([direct.status, direct.header("vary")?.split(", ").toSorted()], path).toEqual([
        app.status,
        app.header("vary")?.split(", ").toSorted(),
      ]);
      const tag = direct.header("etag");
      if (tag === undefined) continue;
      const again = await get(`/api/v2/${path}`, { ...json, "if-none-match": `"other", ${tag}` });
      expect([again.status, again.body.length, again.header("etag")], path).toEqual([304, 0, tag]);
    }
  });

  it.runIf(engine === "postgresql")(
    "of single objects that are asked for at the same time are each its own",
    async () => {
      const ids = [1, 2, 3, 999, 99999999999];
      const searches = ["", "property=*", "property=owner", "field=buildid"].map((text) => new URLSearchParams(text));
      const { rest } = server.data;
      for (const search of searches) {
        const read = (id: number) => rest.text(["builds", String(id)], search).catch((error: Error) => error.message);
        const alone = [];
        for (const id of ids) alone.push(await read(id));
        expect(alone[0]).not.toEqual(alone[1]);
        expect(await Promise.all(ids.map(read))).toEqual(alone);
      }
    },
  );

  it("may be kept unasked where the config says so", async () => {
    const kept = await startRestServer(database, { jsonCacheSeconds: 30 });
    const { headers } = await kept.get("/api/v2/builds");
    expect(headers.get("cache-control")).toBe("private, max-age=30");
    const call = await kept.post("/api/v2/builds/1", {});
    expect(call.headers.get("cache-control")).toBe("no-store");
  });

  it("send any one range of a raw log", async () => {
    const size = bytes.length;
    for (const path of ["/api/v2/logs/100/raw", "/api/v2/logs/101/raw_inline"]) {
      for (const [range, from, to] of [
        ["bytes=0-0", 0, 0],
        ["bytes=5-20", 5, 20],
        ["bytes=1000-", 1000, size - 1],
        ["bytes=-77", size - 77, size - 1],
        [`bytes=${size - 3}-${size + 10}`, size - 3, size - 1],
        [`bytes=-${size * 2}`, 0, size - 1],
      ] as const) {
        const part = await get(path, { range, "accept-encoding": "gzip" });
        expect([part.status, part.header("content-range")], range).toEqual([206, `bytes ${from}-${to}/${size}`]);
        expect(part.header("content-length"), range).toBe(String(to - from + 1));
        expect(part.body.equals(bytes.subarray(from, to + 1)), range).toBe(true);
      }
      for (const range of ["lines=1-2", "bytes=3-1", "bytes=0-1,4-5", "bytes=-", "nonsense"]) {
        const whole = await get(path, { range });
        expect([whole.status, whole.header("accept-ranges"), whole.body.equals(bytes)], range).toEqual([
          200,
          "bytes",
          true,
        ]);
      }
      const beyond = await get(path, { range: `bytes=${size}-` });
      expect([beyond.status, beyond.header("content-range"), beyond.body.length]).toEqual([416, `bytes */${size}`, 0]);
    }
  });

  it("go on with a log only if it is the one that was begun", async () => {
    const head = await get("/api/v2/logs/100/raw", {}, "HEAD");
    const tag = head.header("etag") as string;
    expect([head.status, head.body.length, tag]).toEqual([200, 0, '"log-100-3000"']);
    expect((await get("/api/v2/logs/100/raw", { range: "bytes=5-", "if-range": tag })).status).toBe(206);
    expect((await get("/api/v2/logs/100/raw", { range: "bytes=5-", "if-range": '"other"' })).status).toBe(200);
    expect((await get("/api/v2/logs/100/raw", { "if-none-match": tag })).status).toBe(304);
    expect((await get("/api/v2/logs/101/raw")).header("etag"), "of a log that grows").toBeUndefined();
    expect((await get("/api/v2/logs/101/raw", { range: "bytes=5-", "if-range": tag })).status).toBe(200);
    const packed = await get("/api/v2/logs/100/raw", { "accept-encoding": "gzip" });
    expect([packed.header("content-encoding"), packed.header("etag")]).toEqual(["gzip", `W/${tag}`]);
    expect(gunzipSync(packed.body).equals(bytes)).toBe(true);
  });
});
