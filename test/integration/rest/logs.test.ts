import { request } from "node:http";
import { brotliCompressSync, deflateSync } from "node:zlib";
import { type Database, queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

describe.each(engines)("logs on %s", (engine) => {
  let server: RestServer;
  let database: Database;
  beforeAll(async () => {
    database = await newDatabase(engine);
    await seedRecorded(database);
    server = await startRestServer(database);
  });

  let logid = 100;
  /** A log whose chunks are stored in the given ways. */
  async function addLog(
    type: string,
    chunks: { lines: string[]; compressed: number; content?: Buffer }[],
  ): Promise<number> {
    const id = logid++;
    let line = 0;
    await queryRows(
      database,
      "insert into logs (id, name, slug, stepid, complete, num_lines, type) values (?, ?, ?, 7, 1, 0, ?)",
      [id, `log ${id}`, `log_${id}`, type],
    );
    for (const { lines, compressed, content } of chunks) {
      const bytes = Buffer.from(lines.join("\n"));
      const stored =
        content ?? (compressed === 1 ? deflateSync(bytes) : compressed === 5 ? brotliCompressSync(bytes) : bytes);
      await queryRows(
        database,
        "insert into logchunks (logid, first_line, last_line, content, compressed) values (?, ?, ?, ?, ?)",
        [id, line, line + lines.length - 1, stored, compressed],
      );
      line += lines.length;
    }
    await queryRows(database, "update logs set num_lines = ? where id = ?", [line, id]);
    return id;
  }

  const contents = async (id: number, query = "") => {
    const { status, body } = await server.get(`/api/v2/logs/${id}/contents${query}`);
    return status === 200 ? body.logchunks[0] : { status, body };
  };

  it("are read in ranges of lines over chunks stored in different ways", async () => {
    const id = await addLog("t", [
      { lines: ["a0", "", "a2"], compressed: 0 },
      { lines: ["ü3", "b4"], compressed: 1 },
      { lines: [""], compressed: 0 },
      { lines: ["d6", 'quote " back \\ tab \t'], compressed: 5 },
    ]);
    expect((await contents(id)).content).toBe('a0\n\na2\nü3\nb4\n\nd6\nquote " back \\ tab \t\n');
    for (const [query, firstline, content] of [
      ["?offset=1&limit=3", 1, "\na2\nü3\n"],
      ["?offset=4", 4, 'b4\n\nd6\nquote " back \\ tab \t\n'],
      ["?limit=2", 0, "a0\n\n"],
      ["?limit=0", 0, ""],
      ["?offset=6&limit=40", 6, 'd6\nquote " back \\ tab \t\n'],
      ["?offset=8", 8, ""],
      ["?offset=99999999999", 99999999999, ""],
    ] as const) {
      expect(await contents(id, query), query).toEqual({ logid: id, firstline, content });
    }
    expect(await contents(id, "?field=logid")).toEqual({ logid: id });
    expect((await contents(id, "?limit=-1")).status).toBe(400);
  });

  it("report a chunk that cannot be read, and continue at the right line", async () => {
    const id = await addLog("s", [
      { lines: ["oone"], compressed: 0 },
      { lines: ["otwo", "othree"], compressed: 2, content: Buffer.from("BZh9") },
      { lines: ["ofour"], compressed: 1, content: Buffer.from("no zlib") },
      { lines: ["ofive"], compressed: 0 },
    ]);
    expect((await contents(id)).content.split("\n")).toEqual([
      "oone",
      "h[lines 1 to 2 of this log cannot be shown: it is compressed with bz2, which this master cannot read]",
      "h",
      "h[lines 3 to 3 of this log cannot be shown: its zlib data is damaged]",
      "ofive",
      "",
    ]);
  });

  it("in lz4 blocks, as Python writes them, are read", async () => {
    // "abcabcabcabc…": three literals, then a match that overlaps itself; the last five bytes are literals.
    const text = "abcabcabcabcabcabcabcabc";
    const block = Buffer.from([0x18, 0, 0, 0, 0x3c, 0x61, 0x62, 0x63, 3, 0, 0x50, 0x62, 0x63, 0x61, 0x62, 0x63]);
    const id = await addLog("t", [{ lines: [text], compressed: 3, content: block }]);
    expect((await contents(id)).content).toBe(`${text}\n`);
  });

  it("that are empty or deleted have an empty text", async () => {
    const id = await addLog("d", []);
    expect(await contents(id)).toEqual({ logid: id, firstline: 0, content: "" });
    expect((await server.get(`/api/v2/logs/${id}/raw_inline`)).text).toBe("");
  });

  it("are offered as a file, with a name that a header can hold", async () => {
    const raw = await server.get("/api/v2/logs/7/raw");
    expect(raw.headers.get("content-disposition")).toBe("attachment; filename=extras_build_2_step_extras_log_stdio");
    expect((await server.get("/api/v2/logs/7/raw_inline")).headers.get("content-disposition")).toBeNull();
    await queryRows(database, "insert into builders (id, name, name_hash) values (90, ?, 'x')", [
      'naïve "builder"\r\n/x',
    ]);
    await queryRows(
      database,
      "insert into builds (id, number, builderid, buildrequestid, masterid, started_at, locks_duration_s, state_string) values (90, 1, 90, 1, 1, 1, 0, '')",
    );
    await queryRows(
      database,
      "insert into steps (id, number, name, buildid, state_string, urls_json, hidden) values (90, 0, 's', 90, '', '[]', 0)",
    );
    await queryRows(
      database,
      "insert into logs (id, name, slug, stepid, complete, num_lines, type) values (90, 'l', 'l', 90, 1, 0, 't')",
    );
    const odd = await server.get("/api/v2/logs/90/raw");
    expect([odd.status, odd.headers.get("content-disposition")]).toEqual([
      200,
      `attachment; filename="na_ve _builder___/x_build_1_step_s_log_l"; filename*=UTF-8''na%C3%AFve%20%22builder%22%0D%0A%2Fx_build_1_step_s_log_l`,
    ]);
  });

  it("of 50 MB go out byte by byte as fast as the client reads, without ever being in memory", async () => {
    const line = (i: number) => `${i % 3 === 0 ? "o" : "e"}${String(i).padStart(9, "0")} ${"x".repeat(88)}`;
    const perChunk = 600;
    const chunkCount = 900;
    const id = await addLog(
      "s",
      Array.from({ length: chunkCount }, (_, c) => ({
        lines: Array.from({ length: perChunk }, (_, i) => line(c * perChunk + i)),
        compressed: c % 2,
      })),
    );
    const expectedBytes = chunkCount * perChunk * 99;
    global.gc?.();
    const before = process.memoryUsage();
    let peak = 0;
    let count = 0;
    let checked = 0;
    let rest = "";
    const pieces = await open(`/api/v2/logs/${id}/raw`);
    for await (const piece of pieces) {
      count += piece.length;
      const lines = (rest + piece.toString("latin1")).split("\n");
      rest = lines.pop() as string;
      for (const text of lines) {
        if (checked >= 3 && text !== line(checked - 3).slice(1)) throw new Error(`line ${checked - 3} is ${text}`);
        checked++;
      }
      const now = process.memoryUsage();
      peak = Math.max(peak, now.heapUsed + now.external - before.heapUsed - before.external);
    }
    expect([rest, checked - 3, count - expectedBytes]).toEqual([
      "",
      chunkCount * perChunk,
      "Builder: extras\nBuild number: 2\nWorker name: w1\n".length,
    ]);
    expect(peak).toBeLessThan(64 * 1024 * 1024);
    // The whole of it in JSON, last line included.
    const { body } = await server.get(`/api/v2/logs/${id}/contents?offset=${chunkCount * perChunk - 1}`);
    expect(body.logchunks[0].content).toBe(`${line(chunkCount * perChunk - 1)}\n`);
  });

  it("go no further when the client has left", async () => {
    const id = await addLog(
      "t",
      Array.from({ length: 200 }, () => ({ lines: Array.from({ length: 600 }, () => "y".repeat(100)), compressed: 0 })),
    );
    const pieces = await open(`/api/v2/logs/${id}/raw_inline`);
    for await (const _ of pieces) break;
    expect((await server.get("/health")).status).toBe(200);
  });

  /** Uncompressed, as it comes. */
  function open(path: string): Promise<AsyncIterable<Buffer>> {
    return new Promise((resolve, reject) => {
      request(new URL(path, server.url), { headers: { "accept-encoding": "identity" } }, resolve)
        .on("error", reject)
        .end();
    });
  }
});
