import { RequestRefused } from "../link-errors.ts";
import { parseWorkerInfo, type WorkerInfo } from "../worker-info.ts";
import type { Broker } from "./broker.ts";
import type { TextForm } from "./to-jelly.ts";
import { type Received, ReceivedFailure, RemoteFailure, RemoteObject, textOf } from "./values.ts";

const infoMs = 10_000;

export interface PbWorkerInfo extends WorkerInfo {
  /** Deletes directories that are not in its list, or does not say whether it does (releases 2.7 to 3.5). */
  readonly mayDeleteDirectories: boolean;
  /** Its own texts are bytes: it runs on Python 2. */
  readonly textForm: TextForm;
}

/** Asks a worker of any release who it is. */
export async function readPbWorkerInfo(broker: Broker, bot: number): Promise<PbWorkerInfo> {
  const answer = await ask(broker, bot).catch((error: unknown) => {
    throw error instanceof RemoteFailure && error.failure.type.includes("UnicodeEncodeError")
      ? new RequestRefused("the worker cannot describe itself: a variable of its environment is not UTF-8 text")
      : error;
  });
  const facts = toPlain(answer);
  const commands = isRecord(facts["worker_commands"]) ? facts["worker_commands"] : {};
  const info = parseWorkerInfo({ ...facts, worker_commands: withNewNames(commands) });
  const reported = facts["delete_leftover_dirs"];
  const textForm = answer instanceof Map && Buffer.isBuffer(answer.get("system")) ? "bytes" : "unicode";
  return { ...info, mayDeleteDirectories: reported !== 0 && reported !== false, textForm };
}

async function ask(broker: Broker, bot: number): Promise<Received> {
  try {
    return await broker.call(bot, "getWorkerInfo", [], infoMs);
  } catch (error) {
    if (!(error instanceof RemoteFailure && error.failure.type.endsWith("NoSuchMethod"))) throw error;
  }
  // Release 0.8 has three calls for it.
  const [info, commands, version] = await Promise.all([
    broker.call(bot, "getSlaveInfo", [], infoMs),
    broker.call(bot, "getCommands", [], infoMs),
    broker.call(bot, "getVersion", [], infoMs),
  ]);
  if (!(info instanceof Map)) throw new RequestRefused("the worker's info is no dictionary");
  return new Map([...info, ["worker_commands", commands], ["version", version]]);
}

/** Releases before 3.5 know some commands by other names only; features are chosen by the newer ones. */
function withNewNames(commands: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const all = { ...commands };
  for (const [old, name] of oldNames)
    if (Object.hasOwn(commands, old) && !Object.hasOwn(commands, name)) all[name] = commands[old];
  return all;
}

const oldNames = [
  ["uploadFile", "upload_file"],
  ["uploadDirectory", "upload_directory"],
  ["downloadFile", "download_file"],
] as const;

/** Maps as objects without a prototype; bytes of workers on Python 2 as text, with replacement characters. */
function toPlain(value: Received): Record<string, unknown> {
  const plain = (item: Received): unknown => {
    if (item instanceof Map) return toPlain(item);
    if (Array.isArray(item)) return item.map(plain);
    if (item instanceof RemoteObject || item instanceof ReceivedFailure) return null;
    return typeof item === "bigint" ? Number(item) : (textOf(item) ?? item);
  };
  if (!(value instanceof Map)) throw new RequestRefused("the worker's info is no dictionary");
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, item] of value) object[key] = plain(item);
  return object;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
