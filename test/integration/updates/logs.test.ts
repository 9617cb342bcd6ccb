import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliDecompressSync, inflateSync } from "node:zlib";
import { markLogsDeleted } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { type Member, runningBuild, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

interface Chunk {
  first_line: number;
  last_line: number;
  content: Buffer;
  compressed: number;
}

describe.each(engines)("logs on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  let stepid: number;
  beforeEach(async () => {
    masters = await startMasters(engine);
    one = await masters.join();
    stepid = (await one.updates.steps.begin({ buildid: (await runningBuild(one)).buildid, name: "shell" })).stepid;
  });
  const newLog = async () => (await one.updates.logs.add({ stepid, name: "stdio", type: "s" })).logid;
  const chunksOf = (logid: number) =>
    masters.rows<Chunk>(
      "select first_line, last_line, content, compressed from logchunks where logid = ? order by first_line",
      [logid],
    );
  const plain = ({ content, compressed }: Chunk) =>
    compressed === 1 ? inflateSync(content) : compressed === 5 ? brotliDecompressSync(content) : content;

  /** The log's text; fails when its lines are not contiguous. */
  async function read(logid: number): Promise<string> {
    const parts: Buffer[] = [];
    let next = 0;
    for (const chunk of await chunksOf(logid)) {
      expect(chunk.first_line).toBe(next);
      next = chunk.last_line + 1;
      const text = plain(chunk);
      parts.push(text, Buffer.from("\n"));
      expect(chunk.content.length).toBeLessThanOrEqual(65_536);
    }
    expect(await masters.value("select num_lines from logs where id = ?", [logid])).toBe(next);
    return Buffer.concat(parts).toString("utf8");
  }

  /** Small remainders are not worth it. */
  const allCompressed = async () =>
    (await masters.value("select count(*) as n from logchunks where compressed = 0 and length(content) >= 1024")) === 0;

  it("get slugs that topics and paths can hold, each of its own", async () => {
    const names = [
      "stdio",
      "stdio",
      "stdio",
      "property changes",
      "a.b#c d",
      "1st",
      "größe",
      "日本 語",
      "x".repeat(70),
      "x".repeat(70),
      "",
    ];
    const slugs: string[] = [];
    for (const name of names) {
      const log = await one.updates.logs.add({ stepid, name, type: "t" });
      // As after a lost answer: nothing was written yet, so it is the same one.
      expect(await one.updates.logs.add({ stepid, name, type: "t" })).toEqual(log);
      await one.updates.logs.append(log.logid, 0, "line\n");
      slugs.push(log.slug);
    }
    expect(slugs).toEqual([
      "stdio",
      "stdio_2",
      "stdio_3",
      "property_changes",
      "a_b_c_d",
      "_1st",
      "größe",
      "日本_語",
      "x".repeat(50),
      `${"x".repeat(48)}_2`,
      "_",
    ]);
  });

  it("are contiguous, and repeating an append whose answer was lost adds nothing", async () => {
    const logid = await newLog();
    expect(await one.updates.logs.append(logid, 0, "oone\noé\n")).toBe(2);
    expect(await one.updates.logs.append(logid, 2, "ethree\n")).toBe(3);
    expect(await one.updates.logs.append(logid, 2, "ethree\n")).toBe(3);
    expect(await one.updates.logs.append(logid, 0, "oone\noé\n")).toBe(3);
    expect(await one.updates.logs.append(logid, 3, "")).toBe(3);
    expect(await read(logid)).toBe("oone\noé\nethree\n");
    await expect(one.updates.logs.append(logid, 5, "ogap\n")).rejects.toThrow("it has 3 lines");
    await expect(one.updates.logs.append(logid, 2, "oover\nolap\n")).rejects.toThrow("it has 3 lines");
    await expect(one.updates.logs.append(logid, 3, "open end")).rejects.toThrow("whole lines");
    expect(await read(logid)).toBe("oone\noé\nethree\n");
  });

  it("keep when lines were printed, once, until their text is deleted", async () => {
    const { logid } = await one.updates.logs.add({ stepid, name: "timed", type: "t" }, "a\nb\n", false, [
      { line: 1, at: 100 },
    ]);
    const times = [{ line: 2, at: 107 }];
    await one.updates.logs.append(logid, 2, "c\n", false, times);
    await one.updates.logs.append(logid, 2, "c\n", false, times);
    await one.updates.logs.append(logid, 3, `${"d".repeat(20_000)}\n`, true, [{ line: 3, at: 110 }]);
    const read = () => masters.rows("select first_line, at from mm_log_times where logid = ? order by 1", [logid]);
    expect(await read()).toEqual([
      { first_line: 1, at: 100 },
      { first_line: 2, at: 107 },
      { first_line: 3, at: 110 },
    ]);
    const { buildid } =
      (await masters.rows<{ buildid: number }>("select buildid from steps where id = ?", [stepid]))[0] ?? {};
    await masters.database.transaction((tx) => markLogsDeleted(tx, [Number(buildid)]));
    expect(await read()).toEqual([]);
  });

  it("take no more lines once they are complete", async () => {
    const logid = await newLog();
    await one.updates.logs.append(logid, 0, "oone\n");
    await masters.takeTopics();
    await one.updates.logs.finish(logid);
    await one.updates.logs.finish(logid);
    expect(await masters.takeTopics(/^logs/)).toEqual([`logs.${logid}.finished`]);
    await expect(one.updates.logs.append(logid, 1, "otwo\n")).rejects.toThrow("it is complete");
    expect(await one.updates.logs.append(logid, 0, "oone\n")).toBe(1);
  });

  it("are cut at line borders into chunks of at most 64 KiB, empty lines and all", async () => {
    const logid = await newLog();
    const lines = Array.from({ length: 5000 }, (_, i) => (i % 7 === 0 ? "" : `o${"é".repeat(i % 60)} line ${i}`));
    const exact = ["x".repeat(65_536), "y".repeat(65_535), ""];
    const text = [...lines, ...exact, ...lines].map((line) => `${line}\n`).join("");
    await one.updates.logs.append(logid, 0, text);
    expect(await read(logid)).toBe(text);
    await one.updates.logs.finish(logid);
    await waitFor(async () => (await chunksOf(logid)).some((chunk) => chunk.compressed === 1), {
      what: "the log to be compressed",
    });
    expect(await read(logid)).toBe(text);
  });

  it("keep a longer line when it fits compressed, and cut it between two characters when it does not", async () => {
    const logid = await newLog();
    const compressible = `o${"abc".repeat(100_000)}`;
    const noise = `o${randomBytes(60_000).toString("base64")}ü${"é".repeat(10)}${randomBytes(60_000).toString("base64")}`;
    await one.updates.logs.append(logid, 0, `obefore\n${compressible}\n${noise}\noafter\n`);
    const text = await read(logid);
    const [before, kept, cut, after] = text.split("\n") as [string, string, string, string];
    expect([before, kept, after]).toEqual(["obefore", compressible, "oafter"]);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(65_535);
    expect(Buffer.byteLength(cut)).toBeGreaterThan(65_530);
    expect(noise.startsWith(cut)).toBe(true);
  });

  it("of many small appends are merged when they are finished", async () => {
    const logid = await newLog();
    let text = "";
    for (let line = 0; line < 300; line++) {
      await one.updates.logs.append(logid, line, `oline ${line} of a build that talks much\n`);
      text += `oline ${line} of a build that talks much\n`;
    }
    expect(await chunksOf(logid)).toHaveLength(300);
    await one.updates.logs.finish(logid);
    await waitFor(async () => (await chunksOf(logid)).length === 1, { what: "the chunks to be merged" });
    expect(await read(logid)).toBe(text);
    expect((await chunksOf(logid))[0]).toMatchObject({ first_line: 0, last_line: 299, compressed: 1 });
  });

  it("are read without gap or overlap while they are compressed", async () => {
    const logid = await newLog();
    const text = Array.from({ length: 60_000 }, (_, i) => `o${i} ${"some words ".repeat(i % 9)}\n`).join("");
    await one.updates.logs.append(logid, 0, text);
    await one.updates.logs.finish(logid);
    while (!(await allCompressed())) {
      expect((await read(logid)) === text).toBe(true);
      // Queries of SQLite never leave the event loop to others by themselves.
      await sleep(1);
    }
    expect(await read(logid)).toBe(text);
  });

  it("of 50 MB are stored contiguous and read back byte by byte", async () => {
    const logid = await newLog();
    const piece = Array.from(
      { length: 10_000 },
      (_, i) => `o${String(i).padStart(6, "0")} ${"é some output of a long build".repeat(3)}\n`,
    ).join("");
    const pieces = Math.ceil(50_000_000 / Buffer.byteLength(piece));
    let line = 0;
    for (let n = 0; n < pieces; n += 10) {
      line = await one.updates.logs.append(logid, line, piece.repeat(Math.min(10, pieces - n)));
    }
    expect(line).toBe(pieces * 10_000);
    await one.updates.logs.finish(logid);
    await waitFor(allCompressed, { what: "the log to be compressed", timeoutMs: 60_000 });
    expect((await read(logid)) === piece.repeat(pieces)).toBe(true);
  });
});
