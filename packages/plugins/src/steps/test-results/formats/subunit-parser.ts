import { crc32 } from "node:zlib";
import type { FileParser } from "./file-parser.ts";
import { BadReport, createTest, longestMessage, type ReportedTest, toNanoseconds } from "./reported-test.ts";
import { SubunitTextReader } from "./subunit-text.ts";
import { TextFormat } from "./text-format.ts";

const signature = 0xb3;
/** The largest packet that the format allows. */
const largestPacket = 4 * 1024 * 1024;
/** Signature, flags, a length of one byte, and the checksum. */
const smallestPacket = 8;
/** Tests that run at the same time, of which output is kept. */
const mostOpen = 10_000;

/** Bits of the flags. */
const has = { testId: 0x0800, route: 0x0400, timestamp: 0x0200, tags: 0x0080, file: 0x0040, mime: 0x0020 } as const;
const version = 0x2000;

/** By status; 4 is an unexpected success, 7 an expected failure. */
const outcomes = ["none", "exists", "running", "pass", "fail", "skip", "fail", "pass"] as const;

interface Running {
  begunAt: number | undefined;
  output: string[];
  length: number;
}

/** Reads subunit of version 2, which is binary, or of version 1, which is text. */
export class SubunitParser implements FileParser {
  readonly mended = false;
  #onTest: (test: ReportedTest) => void;
  #contradictions: string[] = [];
  #text: TextFormat | undefined;
  #buffer: Buffer = Buffer.alloc(0);
  #isBegun = false;
  #running = new Map<string, Running>();

  constructor(onTest: (test: ReportedTest) => void) {
    this.#onTest = onTest;
  }

  write(block: Uint8Array): void {
    if (!this.#isBegun && block.length > 0) {
      this.#isBegun = true;
      if (block[0] !== signature) this.#text = new TextFormat(new SubunitTextReader(this.#onTest));
    }
    if (this.#text) return this.#text.write(block);
    this.#buffer = Buffer.concat([this.#buffer, block]);
    this.#readPackets();
  }

  end(): void {
    if (this.#text) return this.#text.end();
    if (this.#buffer.length > 0) throw new BadReport("it ends within a packet of subunit");
    for (const [name, running] of this.#running)
      if (running.begunAt !== undefined || running.length > 0)
        this.#onTest(createTest(name, "error", { message: `it did not end\n${running.output.join("")}` }));
  }

  get contradictions(): readonly string[] {
    return this.#text?.contradictions ?? this.#contradictions;
  }

  #readPackets(): void {
    let at = 0;
    for (;;) {
      const left = this.#buffer.length - at;
      if (left < smallestPacket) break;
      if (this.#buffer[at] !== signature)
        throw new BadReport("it is not subunit: no packet begins where one has ended");
      const [length] = readNumber(this.#buffer, at + 3);
      if (length > largestPacket || length < smallestPacket)
        throw new BadReport(`a packet of subunit has ${length} bytes`);
      if (left < length) break;
      this.#readPacket(this.#buffer.subarray(at, at + length));
      at += length;
    }
    this.#buffer = this.#buffer.subarray(at);
  }

  #readPacket(packet: Buffer): void {
    const end = packet.length - 4;
    if (crc32(packet.subarray(0, end)) !== packet.readUInt32BE(end))
      throw new BadReport("the checksum of a packet of subunit is wrong");
    const flags = packet.readUInt16BE(1);
    if ((flags & 0xf000) !== version) throw new BadReport("it is subunit of an unknown version");
    let at = 3 + readNumber(packet, 3)[1];
    const bytes = () => {
      const [length, size] = readNumber(packet, at);
      at += size + length;
      if (at > end) throw new BadReport("a packet of subunit is shorter than it says");
      return packet.subarray(at - length, at);
    };
    let time: number | undefined;
    if (flags & has.timestamp) {
      const seconds = packet.readUInt32BE(at);
      const [nanoseconds, size] = readNumber(packet, at + 4);
      at += 4 + size;
      time = seconds + nanoseconds / 1e9;
    }
    const testId = flags & has.testId ? bytes().toString("utf8") : undefined;
    if (flags & has.tags) {
      const [count, size] = readNumber(packet, at);
      at += size;
      for (let i = 0; i < count; i++) bytes();
    }
    if (flags & has.mime) bytes();
    const file = flags & has.file ? { name: bytes().toString("utf8"), content: bytes().toString("utf8") } : undefined;
    if (testId !== undefined) this.#take(testId, outcomes[flags & 0x7] ?? "none", time, file);
  }

  #take(
    testId: string,
    status: (typeof outcomes)[number],
    time: number | undefined,
    file: { name: string; content: string } | undefined,
  ): void {
    const running = this.#running.get(testId) ?? { begunAt: undefined, output: [], length: 0 };
    if (file && running.length < longestMessage) {
      running.output.push(file.content);
      running.length += file.content.length;
    }
    if (status === "running") running.begunAt ??= time;
    if (status === "none" || status === "running" || status === "exists") {
      if (status !== "exists" && this.#running.size < mostOpen) this.#running.set(testId, running);
      return;
    }
    this.#running.delete(testId);
    const { begunAt } = running;
    const seconds = begunAt === undefined || time === undefined ? null : time - begunAt;
    const message = status === "pass" ? "" : running.output.join("");
    this.#onTest(createTest(testId, status, { durationNs: toNanoseconds(seconds), message }));
  }
}

/** A number of one to four bytes, whose first two bits say how many follow; and its length. */
function readNumber(bytes: Buffer, at: number): [value: number, size: number] {
  const first = bytes[at];
  if (first === undefined) throw new BadReport("a packet of subunit is shorter than it says");
  const size = (first >> 6) + 1;
  if (at + size > bytes.length) throw new BadReport("a packet of subunit is shorter than it says");
  let value = first & 0x3f;
  for (let i = 1; i < size; i++) value = value * 256 + (bytes[at + i] as number);
  return [value, size];
}
