import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clusterConfig } from "@multimaster/config";
import { systemClock } from "@multimaster/core";
import { execute, insertApiToken } from "@multimaster/database";
import { openArtifactStore } from "@multimaster/plugins";
import directory from "@multimaster/plugins/artifact-stores/directory";
import password from "@multimaster/plugins/auth/password";
import { beforeAll, describe, expect, it } from "vitest";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { runCommandLine } from "../../harness/run-command-line.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { newDatabase } from "../../harness/test-databases.ts";

const path = temporaryDirectory("artifacts");
const page = Buffer.from("<script>alert(1)</script>");
let server: RestServer;
let closed: RestServer;

/** An artifact of a build, whose object is in the store. */
interface Planted {
  readonly id: number;
  readonly buildid: number;
  readonly name: string;
  readonly state?: string;
  readonly fork?: 0 | 1;
}

const planted: readonly Planted[] = [
  { id: 1, buildid: 1, name: "dist/page.html" },
  { id: 2, buildid: 3, name: "dist/page.html" },
  { id: 3, buildid: 3, name: "half", state: "uploading" },
  { id: 4, buildid: 3, name: "gone", state: "removing" },
  { id: 5, buildid: 3, name: "of a fork", fork: 1 },
  { id: 6, buildid: 2, name: `long/${"l".repeat(255)}` },
  { id: 7, buildid: 2, name: "m".repeat(256) },
];

beforeAll(async () => {
  const database = await newDatabase("sqlite");
  await seedRecorded(database);
  const { artifacts } = clusterConfig.parse({
    name: "x",
    database: "sqlite:x",
    artifacts: { store: directory({ path }) },
  });
  const store = openArtifactStore(directory({ path }), { configDirectory: "/", clock: systemClock });
  for (const { id, buildid, name, state = "complete", fork = 0 } of planted) {
    const key = `ab/0000000000-${id}`;
    const writer = await store.create(key, new AbortController().signal);
    await writer.write(page);
    await writer.finish();
    await execute(
      database,
      `insert into mm_artifacts (artifactid, buildid, builderid, stepid, masterid, uploadid, name, object_key, from_fork, size,
         sha256, state, created_at) select ?, b.id, b.builderid, 1, 1, 'u', ?, ?, ?, ?, ?, ?, 1700000000 from builds b where b.id = ?`,
      [id, name, key, fork, page.length, createHash("sha256").update(page).digest("hex"), state, buildid],
    );
  }
  const startWith = (slice: object) =>
    startRestServer(database, { hooks: [], ...slice }, undefined, undefined, { artifacts });
  // The builds are good ones of the first builder.
  await execute(database, "update builds set results = 0, complete_at = started_at + 1 where id in (1, 3)");
  await execute(database, "update builders set name = 'b/1' where id = (select builderid from builds where id = 3)");
  await insertApiToken(database, "mmt_guest", { name: "guest", roles: ["guests"], scope: "all", seconds: null });
  server = await startWith({});
  closed = await startWith({
    auth: password({ users: {} }),
    authorization: {
      rules: [
        { allow: "read", on: ["builds"], to: [] },
        { allow: "read", on: ["artifacts"], to: ["anyone"] },
      ],
      otherwise: "allow",
      roles: { guests: {} },
    },
  });
});

const get = (address: string, headers: Record<string, string> = {}) => fetch(new URL(address, server.url), { headers });

describe("a download", () => {
  it("is a file to save, and never a page of ours", async () => {
    const answer = await get("/artifacts/1/dist/page.html", { "accept-encoding": "gzip, br" });
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename="page.html"; filename*=UTF-8''page.html`,
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "content-length": String(page.length),
      etag: `"${createHash("sha256").update(page).digest("hex")}"`,
    });
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(page);
  });

  it("can be had in parts, and is not sent again to those who have it", async () => {
    const part = await get("/artifacts/1/dist/page.html", { range: "bytes=1-6" });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
      206,
      "bytes 1-6/25",
      "script",
    ]);
    const outside = await get("/artifacts/1", { range: "bytes=99-" });
    expect([outside.status, outside.headers.get("content-range")]).toEqual([416, "bytes */25"]);
    const etag = (await get("/artifacts/1")).headers.get("etag") ?? "";
    expect((await get("/artifacts/1", { "if-none-match": etag, "cache-control": "max-age=0" })).status).toBe(304);
    const head = await fetch(new URL("/artifacts/1", server.url), { method: "HEAD" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "25"]);
  });

  it("of the latest artifact is that of the newest good build, without those of forks", async () => {
    const latest = await get("/artifacts/latest/b%2F1/dist/page.html");
    expect([latest.status, latest.headers.get("cache-control")]).toEqual([200, "private, no-cache"]);
    for (const address of [
      "/artifacts/latest/b%2F1/of%20a%20fork",
      "/artifacts/latest/b%2F1/half",
      "/artifacts/latest/b%2F1/@no-such-branch/dist/page.html",
      "/artifacts/latest/none/dist/page.html",
      "/artifacts/latest/b%2F1/",
    ])
      expect([address, (await get(address)).status]).toEqual([address, 404]);
  });

  it("shows nothing that is not complete, and no wrong name", async () => {
    const results: [string, number][] = [];
    for (const address of [
      "/artifacts/3",
      "/artifacts/4/gone",
      "/artifacts/1/other.html",
      "/artifacts/1/..%2F..%2Fetc",
      "/artifacts/999",
      "/artifacts/-1/x",
      "/artifacts/0",
      "/artifacts/1e0",
      "/artifacts/0x1",
      "/artifacts/1.0",
      "/artifacts/99999999999999999999/x",
      "/artifacts/x/page.html",
      "/artifacts/latest",
      "/artifacts/",
      "/artifacts",
      "/plugins/x",
      "/badges/",
      "/picture/1",
      ...["-1", "0", "1e3", "99999999999999999999"].flatMap((id) => [
        `/api/v2/artifacts/${id}`,
        `/api/v2/logs/${id}/raw`,
        `/api/v2/logs/${id}/raw_inline`,
        `/api/v2/logs/${id}/contents`,
        `/api/v2/steps/${id}/logs/stdio/raw`,
        `/api/v2/builds/${id}/steps/0/logs/stdio/raw`,
      ]),
    ])
      results.push([address, (await get(address, { accept: "text/html" })).status]);
    expect(results.filter(([, status]) => status !== 404)).toEqual([]);
    const list = (await (await get("/api/v2/builds/3/artifacts")).json()) as { artifacts: { name: string }[] };
    expect(list.artifacts.map(({ name }) => name)).toEqual(["dist/page.html", "of a fork"]);
  });

  it("needs the right to read the build", async () => {
    for (const address of [
      "/artifacts/1/dist/page.html",
      "/artifacts/latest/b%2F1/dist/page.html",
      "/api/v2/artifacts",
      "/api/v2/artifacts/1",
    ])
      expect([address, (await fetch(new URL(address, closed.url))).status]).toEqual([address, 403]);
  });

  it("and their lists are refused on the command line, too", async () => {
    const into = temporaryDirectory("refused");
    const run = (...args: string[]) => runCommandLine({ url: closed.url, token: "mmt_guest" }, "artifacts", ...args);
    for (const args of [
      ["list", "1"],
      ["get", "1", "--to", into],
    ]) {
      const { code, printed } = await run(...args);
      expect([args[0], code !== 0, printed]).toEqual([args[0], true, expect.stringContaining("may not read")]);
    }
    expect(readdirSync(into)).toEqual([]);
  });

  it("of a damaged store is an error, not a file", async () => {
    rmSync(join(path, "ab", "0000000000-2"));
    const { status, headers } = await get("/artifacts/2", { range: "bytes=0-0" });
    expect(status).toBe(502);
    // Nothing of the file that was not sent, which a client could keep or go on from.
    for (const name of ["etag", "accept-ranges", "content-range", "content-encoding", "content-disposition"])
      expect([name, headers.get(name)]).toEqual([name, null]);
    expect(headers.get("cache-control")).toBe("no-store");
  });
});

describe("master artifacts get", () => {
  it("writes a name as long as the disk allows, and says which one is longer", async () => {
    const to = temporaryDirectory("long");
    const get = (name: string) =>
      runCommandLine({ url: server.url, token: "mmt_guest" }, "artifacts", "get", "2", name, "--to", to);
    expect(await get("long/*")).toMatchObject({ code: 0 });
    expect(readdirSync(join(to, "long"))).toEqual(["l".repeat(255)]);
    expect((await get("m*")).printed).toMatch(
      /^master: The artifact "m+" cannot be written to .* is longer than the disk/,
    );
    expect(readdirSync(to)).toEqual(["long"]);
  });

  it("says in one sentence which artifact has no place on the disk", async () => {
    const get = (to: string) =>
      runCommandLine({ url: server.url, token: "mmt_guest" }, "artifacts", "get", "1", "--to", to);
    const [file, folder] = [temporaryDirectory("file"), temporaryDirectory("folder")];
    writeFileSync(join(file, "dist"), "");
    mkdirSync(join(folder, "dist/page.html"), { recursive: true });
    for (const to of [file, folder]) {
      const { code, printed } = await get(to);
      expect(code).not.toBe(0);
      expect(printed).toBe(
        `master: The artifact "dist/page.html" cannot be written to ${join(to, "dist/page.html")}: a file and a directory cannot have the same name there; write it to another directory with --to.\n`,
      );
      rmSync(to, { recursive: true });
    }
  });
});
