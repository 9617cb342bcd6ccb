import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { systemClock } from "@multimaster/core";
import { type ArtifactStore, openArtifactStore } from "@multimaster/plugins";
import directory from "@multimaster/plugins/artifact-stores/directory";
import s3 from "@multimaster/plugins/artifact-stores/s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startS3, type TestS3 } from "../../harness/s3-server.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";

const { signal } = new AbortController();
const keyOf = (n: number) => `ab/0000000000-${n}`;
let server: TestS3;
beforeAll(async () => {
  server = await startS3();
}, 120_000);
afterAll(() => server.stop());

const stores: Record<string, () => Promise<ArtifactStore>> = {
  directory: async () => openDirectory(temporaryDirectory("artifacts")),
  s3: async () => openS3({ ...(await server.makeBucket("plain")), prefix: "ci/" }),
};

function openDirectory(path: string): ArtifactStore {
  return openArtifactStore(directory({ path }), { configDirectory: "/", clock: systemClock });
}

function openS3(options: Parameters<typeof s3>[0]): ArtifactStore {
  const { plugin, options: given } = s3(options);
  return openArtifactStore(
    { plugin, options: plugin.options.parse(given) },
    { configDirectory: "/", clock: systemClock },
  );
}

async function write(store: ArtifactStore, key: string, blocks: readonly Uint8Array[]): Promise<void> {
  const writer = await store.create(key, signal);
  for (const block of blocks) await writer.write(block);
  await writer.finish();
}

async function read(store: ArtifactStore, key: string, range?: { first: number; last: number }): Promise<Buffer> {
  const blocks: Uint8Array[] = [];
  for await (const block of await store.read(key, signal, range)) blocks.push(block);
  return Buffer.concat(blocks);
}

async function list(store: ArtifactStore): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for await (const { key, size } of store.list(signal)) found[key] = size;
  return found;
}

describe.each(Object.entries(stores))("the store %s", (_kind, open) => {
  it("keeps objects of every size, serves parts of them, lists and removes them", async () => {
    const store = await open();
    expect(await list(store)).toEqual({});
    // Larger than two parts of a multipart upload, in blocks that fit no part.
    const block = Buffer.alloc(777_777, "0123456789abcdef");
    const large = Array.from({ length: 15 }, () => block);
    await write(store, keyOf(1), large);
    await write(store, keyOf(2), [Buffer.from("small")]);
    await write(store, keyOf(3), []);
    const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    expect(digest(await read(store, keyOf(1)))).toBe(digest(Buffer.concat(large)));
    expect((await read(store, keyOf(2))).toString()).toBe("small");
    expect(await read(store, keyOf(3))).toHaveLength(0);
    expect((await read(store, keyOf(2), { first: 1, last: 3 })).toString()).toBe("mal");
    expect(await list(store)).toEqual({ [keyOf(1)]: 15 * 777_777, [keyOf(2)]: 5, [keyOf(3)]: 0 });
    await write(store, keyOf(2), [Buffer.from("another")]);
    expect((await read(store, keyOf(2))).toString()).toBe("another");
    for (const n of [1, 2, 3, 4]) await store.remove(keyOf(n));
    expect(await list(store).then((found) => Object.keys(found))).toEqual([]);
    await expect(read(store, keyOf(2))).rejects.toThrow(/^the artifact store, .*, failed: /);
  });

  it("shows nothing of an object before it is complete, and nothing is left of one that is discarded or removed", async () => {
    const store = await open();
    const begin = async (n: number) => {
      const writer = await store.create(keyOf(n), signal);
      for (let i = 0; i < 7; i += 1) await writer.write(Buffer.alloc(1_000_000, "x"));
      return writer;
    };
    await (await begin(1)).discard();
    // Its writer is dead: only its key is known.
    const dead = await begin(2);
    await expect(read(store, keyOf(2))).rejects.toThrow(/failed/);
    expect(await list(store)).not.toHaveProperty(keyOf(2));
    await store.remove(keyOf(2));
    expect(await list(store)).toEqual({});
    await dead.discard();
  });

  it("takes no key that a master would not make", async () => {
    const store = await open();
    for (const key of ["../../etc/passwd", "ab/../../../x/0000000000", "ab/short", "/abs/0000000000"])
      await expect(store.create(key, signal)).rejects.toThrow("is no key of an artifact");
  });
});

it("a directory that cannot be written is reported in a sentence", async () => {
  const path = temporaryDirectory("artifacts");
  await expect(openDirectory("/dev/null/store").create(keyOf(1), signal)).rejects.toThrow(
    "the artifact store, the directory /dev/null/store, failed: a part of the path is not a directory",
  );
  const writer = await openDirectory(path).create(keyOf(1), signal);
  await writer.write(Buffer.from("half"));
  expect(readdirSync(join(path, "ab"))).toEqual(["0000000000-1.part"]);
});

describe("an S3 server that is at fault", () => {
  async function openFaulty(answer: (n: number) => number | "stall") {
    const asked: string[] = [];
    const faulty = createServer((request, response) => {
      asked.push(`${request.method}`);
      request.resume();
      const status = answer(asked.length);
      if (status !== "stall")
        response.writeHead(status, { etag: '"e"' }).end("<Error><Code>Slow&amp;Down</Code></Error>");
    });
    await new Promise<void>((resolve) => faulty.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(faulty.address() as AddressInfo).port}`;
    const store = openS3({ endpoint, bucket: "faulty", accessKeyId: "k", secretAccessKey: "s", timeout: "200ms" });
    const end = () => {
      faulty.closeAllConnections();
      faulty.close();
    };
    return { store, asked, end };
  }

  it.each([
    ["answers 503", 503 as const, 4, /the bucket faulty at 127.0.0.1:\d+, failed: 503 Slow&Down$/],
    ["refuses", 403 as const, 1, /failed: 403 Slow&Down$/],
    ["does not answer", "stall" as const, 4, /failed: no answer in 0.2 seconds \(timeout\)$/],
  ])("%s: a sentence, after as many attempts as help", async (_what, status, attempts, sentence) => {
    const { store, asked, end } = await openFaulty(() => status);
    await expect(write(store, keyOf(1), [Buffer.from("x")])).rejects.toThrow(sentence);
    expect(asked).toHaveLength(attempts);
    end();
  });

  it("is asked again while it is busy", async () => {
    const { store, asked, end } = await openFaulty((n) => (n < 3 ? 503 : 204));
    await write(store, keyOf(1), [Buffer.from("x")]);
    expect(asked).toEqual(["PUT", "PUT", "PUT"]);
    end();
  });

  it("has completed an upload whose answer was lost", async () => {
    const asked: string[] = [];
    let objectSize = 6_000_000;
    const losing = createServer((request, response) => {
      request.resume();
      const { search } = new URL(request.url ?? "", "http://x");
      const what = `${request.method} ${search.replaceAll(/[=&].*/g, "")}`;
      asked.push(what);
      const isAgain = asked.filter((one) => one === what).length > 1;
      if (what === "POST ?uploads") response.end("<UploadId>u1</UploadId>");
      else if (what === "POST ?uploadId" && isAgain)
        response.writeHead(404).end("<Error><Code>NoSuchUpload</Code></Error>");
      else if (what === "POST ?uploadId") response.destroy();
      else if (what === "HEAD ") response.writeHead(200, { "content-length": String(objectSize) }).end();
      else response.writeHead(200, { etag: '"e"' }).end();
    });
    await new Promise<void>((resolve) => losing.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(losing.address() as AddressInfo).port}`;
    const store = openS3({ endpoint, bucket: "losing", accessKeyId: "k", secretAccessKey: "s" });
    await write(store, keyOf(1), [Buffer.alloc(6_000_000)]);
    expect(asked.slice(-3)).toEqual(["POST ?uploadId", "POST ?uploadId", "HEAD "]);
    // Another object than the one that was sent.
    objectSize = 5;
    asked.length = 0;
    await expect(write(store, keyOf(1), [Buffer.alloc(6_000_000)])).rejects.toThrow("404 NoSuchUpload");
    losing.closeAllConnections();
    losing.close();
  });
});
