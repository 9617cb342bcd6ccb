import type { Json } from "@multimaster/core";
import type { Refusal, Subscriptions } from "./subscriptions.ts";

type Fields = { readonly [name: string]: Json };

const argumentsOf: Readonly<Record<string, readonly string[]>> = {
  ping: [],
  startConsuming: ["path"],
  stopConsuming: ["path"],
};

const refusals: Readonly<Record<Refusal, { code: number; error: string }>> = {
  forbidden: { code: 403, error: "you may not listen to this path" },
  "too many": { code: 400, error: "too many paths on one connection" },
  "too long": { code: 400, error: "the path is too long" },
  unknown: { code: 404, error: "no event has such a path" },
};

/** The answer to one frame of a client (docs/spec/web-contract.md §4.1). */
export async function answerCommand(frame: Json, subscriptions: Subscriptions): Promise<Json> {
  const fields = typeof frame === "object" && frame !== null && !Array.isArray(frame) ? (frame as Fields) : {};
  const id = fields["_id"] ?? null;
  const refuse = (code: number, error: string, to: Json = id) => ({ error, code, _id: to });
  const accept = (msg: string) => ({ msg, code: 200, _id: id });

  if (!("_id" in fields) && !("type" in fields)) return refuse(400, "no '_id' or 'type' in websocket frame", null);
  const cmd = fields["cmd"];
  if (cmd === undefined) return refuse(400, "no 'cmd' in websocket frame", null);
  if (typeof cmd !== "string" || !Object.hasOwn(argumentsOf, cmd)) {
    return refuse(404, `no such command type '${typeof cmd === "string" ? cmd : JSON.stringify(cmd)}'`);
  }
  const problem = findProblem(fields, argumentsOf[cmd] as readonly string[]);
  if (problem !== undefined) return refuse(400, `${cmd}: ${problem}`);
  if (cmd === "ping") return accept("pong");

  const path = fields["path"];
  if (typeof path !== "string") return refuse(400, `invalid path format '${JSON.stringify(path)}'`);
  if (cmd === "stopConsuming") {
    return subscriptions.stop(path) ? accept("OK") : refuse(400, `path was not consumed '${path}'`);
  }
  try {
    const refusal = subscriptions.check(path);
    if (refusal) return refuse(refusals[refusal].code, refusals[refusal].error);
    await subscriptions.start(path);
    return accept("OK");
  } catch {
    return refuse(500, "internal error");
  }
}

function findProblem(fields: Fields, wanted: readonly string[]): string | undefined {
  const given = Object.keys(fields).filter((name) => name !== "cmd" && name !== "_id");
  const missing = ["_id", ...wanted].find((name) => !(name in fields));
  if (missing !== undefined) return `the argument '${missing}' is missing`;
  const extra = given.find((name) => !wanted.includes(name));
  return extra === undefined ? undefined : `there is no argument '${extra}'`;
}
