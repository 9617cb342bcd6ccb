import type { RunningCommand } from "../running-command.ts";
import { maxStringBytes } from "./banana.ts";
import type { Method, Methods } from "./broker.ts";
import type { Received, Sendable } from "./values.ts";

export interface TransferOptions {
  readonly id: string;
  readonly running: RunningCommand;
  /** Counts bytes that wait to be consumed. */
  hold(bytes: number, consumed: Promise<unknown>): void;
  onFirstBlock(): void;
}

/**
 * The object that a worker writes an upload to. It waits for each answer, and answers no error: after one, the worker would never
 * complete the command. The running command interrupts what cannot be taken, and fails it.
 */
export function createWriter({ id: command_id, running, hold, onFirstBlock }: TransferOptions): Methods {
  const pass = (request: Parameters<RunningCommand["handle"]>[0], bytes: number): Promise<Sendable> => {
    const consumed = running.handle(request);
    hold(bytes, consumed);
    return answerNone(consumed);
  };
  return new Map<string, Method>([
    [
      "write",
      ({ args: [block], bytes }) => {
        onFirstBlock();
        const args = readBlock(block);
        if (args !== undefined) return pass({ op: "update_upload_file_write", fields: { command_id, args } }, bytes);
        running.spoil("the worker sent a block of a file that is no bytes");
        return null;
      },
    ],
    ["close", ({ bytes }) => pass({ op: "update_upload_file_close", fields: { command_id } }, bytes)],
    ["unpack", ({ bytes }) => pass({ op: "update_upload_directory_unpack", fields: { command_id } }, bytes)],
    [
      "utime",
      ({ args, bytes }) => {
        const [accessed, modified] = Array.isArray(args[0]) ? args[0] : args;
        const fields = { command_id, access_time: asTime(accessed), modified_time: asTime(modified) };
        return pass({ op: "update_upload_file_utime", fields }, bytes);
      },
    ],
  ]);
}

/** The object that a worker reads a download from. Instead of an error it gets the end of the file. */
export function createReader({ id: command_id, running }: TransferOptions): Methods {
  return new Map<string, Method>([
    [
      "read",
      ({ args: [asked] }) => {
        const length = typeof asked === "number" && asked > 0 ? Math.min(asked, maxStringBytes) : 0;
        return running.handle({ op: "update_read_file", fields: { command_id, length } }).then(
          (block) => (block instanceof Uint8Array ? block : nothing),
          () => nothing,
        );
      },
    ],
    ["close", () => answerNone(running.handle({ op: "update_read_file_close", fields: { command_id } }))],
  ]);
}

const nothing = new Uint8Array();

function answerNone(consumed: Promise<unknown>): Promise<null> {
  return consumed.then(
    () => null,
    () => null,
  );
}

function readBlock(block: Received | undefined): Uint8Array<ArrayBuffer> | undefined {
  if (typeof block === "string") return new TextEncoder().encode(block);
  if (!Buffer.isBuffer(block)) return undefined;
  return new Uint8Array(block.buffer as ArrayBuffer, block.byteOffset, block.length);
}

function asTime(value: Received | undefined): number | null {
  return typeof value === "number" ? value : null;
}
