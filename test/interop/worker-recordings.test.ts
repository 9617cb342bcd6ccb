import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CommandName,
  commandAliases,
  commandArgs,
  decodeFrame,
  encodeFrame,
  type Message,
  masterRequests,
  parseRequest,
  readUpdates,
  workerInfoMessage,
  workerRequests,
} from "@multimaster/wire";
import { describe, expect, it } from "vitest";

const directory = join(import.meta.dirname, "../fixtures/worker-protocol");
const files = readdirSync(directory).filter((name) => name.endsWith(".jsonl"));

interface Recorded {
  dir: "m2w" | "w2m";
  msg: Message & { op: string; seq_number: number };
}

function readRecording(file: string): Recorded[] {
  return readFileSync(join(directory, file), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line, reviveBinary) as Partial<Recorded>)
    .filter((record): record is Recorded => record.msg !== undefined);
}

/** The recordings write binary values as `{"$bin": base64}`. */
function reviveBinary(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("$bin" in value)) return value;
  return Uint8Array.from(Buffer.from(String(value.$bin), "base64"));
}

describe("recordings of a Buildbot 4.3.0 master and worker", () => {
  it.each(files)("%s: every frame is understood", (file) => {
    const infoRequests = new Set<number>();
    for (const { dir, msg } of readRecording(file)) {
      const { op, seq_number, ...fields } = decodeFrame(encodeFrame(msg)) as Recorded["msg"];
      if (dir === "m2w" && op === "get_worker_info") infoRequests.add(seq_number);
      if (op === "response") {
        if (dir === "w2m" && infoRequests.delete(seq_number)) {
          expect(workerInfoMessage.parse(fields["result"])).toMatchObject({ system: "posix", version: "4.3.0" });
        }
        continue;
      }
      if (dir === "m2w") {
        parseRequest(masterRequests, op, fields);
        continue;
      }
      const request = parseRequest(workerRequests, op, fields);
      if (request.op === "update") expect(() => readUpdates(request.fields.args, {})).not.toThrow();
    }
  });

  it("hold no command of a real master whose arguments our worker would refuse, but for the wrong ones", () => {
    const refused: string[] = [];
    const recordings = files.flatMap((file) => readRecording(file));
    for (const { dir, msg } of recordings) {
      if (dir !== "m2w" || msg.op !== "start_command") continue;
      const { command_name: given, args } = parseRequest(masterRequests, msg.op, msg).fields as {
        command_name: string;
        args: Record<string, unknown>;
      };
      const name = commandAliases[given] ?? given;
      const schema = Object.hasOwn(commandArgs, name) ? commandArgs[name as CommandName] : undefined;
      if (schema?.safeParse(args).success !== true) refused.push(given);
    }
    expect([...new Set(refused)]).toMatchInlineSnapshot(`
      [
        "nosuchcmd",
        "shell",
      ]
    `);
  });
});
