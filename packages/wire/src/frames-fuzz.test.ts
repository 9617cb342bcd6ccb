import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createSeededRandom } from "../../../test/harness/seeded-random.ts";
import { BadFrame, decodeFrame, encodeFrame, type Message } from "./frames.ts";
import { RequestRefused } from "./link-errors.ts";
import { parseRequest, workerRequests } from "./messages.ts";

/** The long form tries 250 times as many frames. */
const frames = process.env["MULTIMASTER_LONG"] ? 500_000 : 2_000;

const directory = join(import.meta.dirname, "../../../test/fixtures/worker-protocol");
const recorded = readdirSync(directory)
  .filter((name) => name.endsWith(".jsonl"))
  .flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n"))
  .filter((line) => line !== "" && line.length < 10_000)
  .map((line) => JSON.parse(line) as { dir?: string; msg?: Message })
  .flatMap(({ dir, msg }) => (dir === "w2m" && msg !== undefined ? [encodeFrame(msg)] : []));

type Random = ReturnType<typeof createSeededRandom>;

/** A frame of a real worker with mistakes. */
function mutate(random: Random): Uint8Array {
  const frame = Uint8Array.from(recorded[random.below(recorded.length)] as Uint8Array);
  for (let n = 1 + random.below(4); n > 0; n -= 1) frame[random.below(frame.length)] = random.below(256);
  const change = random.below(4);
  if (change === 0) return frame.subarray(0, random.below(frame.length));
  if (change === 1) return Buffer.concat([frame, frame.subarray(0, random.below(20))]);
  return frame;
}

it(`frames of a worker with mistakes are refused with a sentence or understood (${frames} frames)`, {
  timeout: 3_600_000,
}, () => {
  const random = createSeededRandom(process.env["MULTIMASTER_SEED"] ?? "msgpack");
  const before = process.memoryUsage().rss;
  let refused = 0;
  for (let n = 0; n < frames; n += 1) {
    try {
      const { op, ...fields } = decodeFrame(mutate(random));
      parseRequest(workerRequests, String(op), fields);
    } catch (error) {
      if (!(error instanceof BadFrame || error instanceof RequestRefused)) throw error;
      expect(error.message.length).toBeLessThan(2000);
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(frames / 4);
  expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);
});
