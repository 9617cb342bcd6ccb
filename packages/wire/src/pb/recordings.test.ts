import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createSeededRandom } from "../../../../test/harness/seeded-random.ts";
import { type BananaFloat, type Expression, workerLimits } from "./banana.ts";
import { BananaDecoder } from "./banana-decoder.ts";
import { encodeBanana } from "./banana-encoder.ts";
import { parseExpression } from "./expressions.ts";
import { fromJelly } from "./from-jelly.ts";
import { passwordMd5 } from "./login.ts";
import type { ReceivedFailure } from "./values.ts";

const directory = join(import.meta.dirname, "../../../../test/fixtures/worker-protocol-pb");
const recordings = readdirSync(directory).filter((name) => !name.endsWith(".md"));

type Direction = "m2w" | "w2m";
const fileOf = { m2w: "to-worker.bin", w2m: "to-master.bin" } as const;
const readBytes = (name: string, dir: Direction) => readFileSync(join(directory, name, fileOf[dir]));

function readDecoded(name: string, dir: Direction): unknown[] {
  return readFileSync(join(directory, name, "decoded.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { dir?: Direction; sexp?: unknown })
    .filter((line) => line.dir === dir && line.sexp !== undefined)
    .map((line) => line.sexp);
}

/** Feeds a recording in pieces; `size` says how long the next one is. */
function decode(bytes: Buffer, size: () => number): Expression[] {
  const found: Expression[] = [];
  const decoder = new BananaDecoder(workerLimits, (expression) => {
    found.push(expression);
    decoder.usesVocabulary = true;
  });
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + Math.max(1, size()));
    decoder.feed(Buffer.from(bytes.subarray(at, end)));
    at = end;
  }
  return found;
}

/** Compares as the recordings write expressions: long strings there are shortened. */
function expectSame(expression: Expression, written: unknown, path: string): void {
  if (Array.isArray(written)) {
    expect(Array.isArray(expression) && expression.length, path).toBe(written.length);
    for (const [n, item] of written.entries())
      expectSame((expression as Expression[])[n] as Expression, item, `${path}.${n}`);
    return;
  }
  if (typeof written === "number" || typeof written === "string") {
    expect(Buffer.isBuffer(expression) ? expression.toString("utf8") : expression, path).toBe(written);
    return;
  }
  const { $float, $long, $hex, $text, $bytes } = written as Record<string, string | number | undefined>;
  if ($float !== undefined) expect((expression as BananaFloat).value, path).toBe($float);
  else if ($long !== undefined) expect(String(expression), path).toBe($long);
  else {
    const bytes = expression as Buffer;
    if ($bytes !== undefined) expect(bytes.length, path).toBe($bytes);
    const beginning = typeof $hex === "string" ? Buffer.from($hex, "hex") : Buffer.from(String($text), "utf8");
    expect(bytes.subarray(0, beginning.length).equals(beginning), path).toBe(true);
  }
}

describe("recordings of pb", () => {
  it.each(recordings)("%s: what the worker sent is read the same however it is cut", (name) => {
    const bytes = readBytes(name, "w2m");
    const written = readDecoded(name, "w2m");
    const random = createSeededRandom(name);
    for (const size of [() => bytes.length, () => 1, () => random.below(200), () => random.below(5000)]) {
      const found = decode(bytes, size);
      expect(found).toHaveLength(written.length);
      for (const [n, expression] of found.entries()) expectSame(expression, written[n], `${name} ${n}`);
    }
  });

  it.each(recordings)("%s: what the master sent is packed to the same bytes", (name) => {
    const bytes = readBytes(name, "m2w");
    const written = readDecoded(name, "m2w");
    const found = decode(bytes, () => bytes.length);
    for (const [n, expression] of found.entries()) expectSame(expression, written[n], `${name} ${n}`);
    expect(Buffer.concat(found.map((expression) => encodeBanana(expression, true))).equals(bytes)).toBe(true);
  });

  it.each(recordings)("%s: every value of the worker is understood", (name) => {
    const bytes = readBytes(name, "w2m");
    const [, ...rest] = decode(bytes, () => bytes.length);
    for (const expression of rest) {
      const received = parseExpression(expression);
      if (received.kind === "message") expect(Array.isArray(fromJelly(received.args))).toBe(true);
      if (received.kind === "answer") fromJelly(received.value);
      if (received.kind !== "error") continue;
      const value = fromJelly(received.value);
      expect((value as ReceivedFailure).failure.type).toMatch(/^[a-z_]+\.[\w.]+$/);
    }
  });

  it.each(recordings)("%s: the digest of its login is that of its password", (name) => {
    const calls = decode(readBytes(name, "w2m"), () => 9999)
      .slice(1)
      .map((expression) => parseExpression(expression));
    const answers = decode(readBytes(name, "m2w"), () => 9999)
      .slice(1)
      .map((expression) => parseExpression(expression));
    const [login, respond] = calls.flatMap((call) => (call.kind === "message" ? [fromJelly(call.args)] : [])) as [
      Buffer[],
      Buffer[],
    ];
    const challenge = answers.flatMap((answer) =>
      answer.kind === "answer" ? [fromJelly(answer.value)] : [],
    )[0] as Buffer[];
    const user = String(login[0]);
    const password = name.startsWith("auth_") ? "nonsense" : name === "name_not_ascii" ? "wört:x" : `pw-${user}`;
    const digest = createHash("md5")
      .update(passwordMd5(password))
      .update(challenge[0] as Buffer)
      .digest();
    expect(respond[0]?.equals(digest)).toBe(true);
  });
});
