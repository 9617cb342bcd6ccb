import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { createSeededRandom } from "../../../../test/harness/seeded-random.ts";
import type { TransportReceiver } from "../transport.ts";
import { Broker } from "./broker.ts";
import { PbWorkerLink } from "./pb-worker-link.ts";

/** The long form tries a hundred times as many streams. */
const streams = process.env["MULTIMASTER_LONG"] ? 60_000 : 600;

const directory = join(import.meta.dirname, "../../../../test/fixtures/worker-protocol-pb");
const recorded = readdirSync(directory)
  .filter((name) => !name.endsWith(".md"))
  .map((name) => readFileSync(join(directory, name, "to-master.bin")).subarray(0, 20_000));

type Random = ReturnType<typeof createSeededRandom>;

/** Bytes of a real worker with mistakes: replaced, removed, repeated and mixed. */
function mutate(random: Random): Buffer {
  const source = recorded[random.below(recorded.length)] as Buffer;
  const pieces: Buffer[] = [];
  for (let at = 0; at < source.length; ) {
    const size = 1 + random.below(400);
    const piece = Buffer.from(source.subarray(at, at + size));
    at += size;
    const change = random.below(12);
    if (change === 0) continue;
    if (change === 1) piece[random.below(piece.length)] = random.below(256);
    if (change === 2) pieces.push(piece);
    if (change === 3) pieces.push(Buffer.from(Array.from({ length: random.below(20) }, () => random.below(256))));
    if (change === 4) piece[random.below(piece.length)] = 0x80 + random.below(9);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** A master's end whose worker is the given bytes, cut at random. */
async function feed(bytes: Buffer, random: Random): Promise<{ sentences: string[]; ends: number }> {
  let receiver: TransportReceiver | undefined;
  let ends = 0;
  const end = () => {
    ends += 1;
    if (ends === 1) receiver?.onClose({ code: 1000, reason: "" });
  };
  const sentences: string[] = [];
  const broker = new Broker(
    {
      open(given) {
        receiver = given;
      },
      send: () => undefined,
      close: end,
      terminate: end,
      pause: () => undefined,
      resume: () => undefined,
    },
    {
      log: silentLog,
      peer: "worker",
      root: new Map([["login", () => null]]),
      onViolation: (sentence) => sentences.push(sentence),
    },
  );
  if (random.below(4) > 0) {
    broker.admit("worker w");
    const link = new PbWorkerLink(broker, { name: "w", log: silentLog, bot: 1 });
    link.getInfo().catch(() => undefined);
    link.configure().catch(() => undefined);
    for (const id of ["1", "2", "3"])
      link.startCommand({ id, name: "glob", args: { path: "/x" } }).catch(() => undefined);
  }
  for (let at = 0; at < bytes.length && ends === 0; ) {
    const size = 1 + random.below(3000);
    receiver?.onFrame(bytes.subarray(at, at + size));
    at += size;
    if (random.below(10) === 0) await Promise.resolve();
  }
  if (ends === 0) end();
  await broker.closed;
  return { sentences, ends };
}

describe("bytes of a worker with mistakes", () => {
  it(`never break the master, and end a connection at most once with one sentence (${streams} streams)`, {
    timeout: 3_600_000,
  }, async () => {
    const random = createSeededRandom(process.env["MULTIMASTER_SEED"] ?? "pb");
    let refused = 0;
    const before = process.memoryUsage().rss;
    for (let n = 0; n < streams; n += 1) {
      const { sentences, ends } = await feed(mutate(random), random);
      expect(ends).toBe(1);
      expect(sentences.length).toBeLessThanOrEqual(1);
      expect((sentences[0] ?? "").length).toBeLessThan(300);
      refused += sentences.length;
    }
    // Most mistakes are seen.
    expect(refused).toBeGreaterThan(streams / 2);
    expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);
  });
});
