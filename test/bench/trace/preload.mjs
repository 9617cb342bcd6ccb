// Loaded into a master with `node --import` to measure the hops of a change: it notes when requests arrive, transactions
// commit, messages arrive and commands are sent. The program itself has no trace, so this costs nothing when it is not loaded.
// Lines of JSON go to the file BENCH_TRACE: {"at": milliseconds since the epoch, "what": …}.
import { subscribe } from "node:diagnostics_channel";
import { appendFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.argv[1] ?? import.meta.url);
const lines = [];
let isScheduled = false;

function note(what) {
  lines.push(JSON.stringify({ at: performance.timeOrigin + performance.now(), what }));
  if (isScheduled) return;
  isScheduled = true;
  setTimeout(write, 100).unref();
}

function write() {
  isScheduled = false;
  if (lines.length > 0) appendFileSync(process.env.BENCH_TRACE, `${lines.splice(0).join("\n")}\n`);
}

/** What a statement writes, by its table. */
const writes = [
  [/insert into "?changes"?[\s(]/i, "change"],
  [/insert into "?buildrequests"?[\s(]/i, "request"],
  [/insert into "?buildrequest_claims"?[\s(]/i, "claim"],
  [/insert into "?builds"?[\s(]/i, "build"],
];

function watchStatements() {
  const { Client } = require("pg");
  const { query } = Client.prototype;
  // By connection: what the open transaction has written; undefined outside of one.
  const open = new WeakMap();
  Client.prototype.query = function (config, ...rest) {
    const text = typeof config === "string" ? config : (config?.text ?? "");
    const result = query.call(this, config, ...rest);
    if (/^\s*begin/i.test(text)) open.set(this, []);
    const written = writes.filter(([pattern]) => pattern.test(text)).map(([, name]) => name);
    const transaction = open.get(this);
    if (transaction) transaction.push(...written);
    const ended = /^\s*commit/i.test(text) ? (transaction ?? []) : transaction ? [] : written;
    if (/^\s*(commit|rollback)\s*;?$/i.test(text)) open.delete(this);
    if (ended.length > 0)
      whenDone(result, config, () => {
        for (const name of ended) note(`${name} committed`);
      });
    return result;
  };
  const { emit } = Client.prototype;
  Client.prototype.emit = function (event, ...rest) {
    if (event === "notification") note("message received");
    return emit.call(this, event, ...rest);
  };
}

function whenDone(result, config, act) {
  if (typeof result?.then === "function") result.then(act, () => {});
  else (result ?? config)?.once?.("end", act);
}

function watchWorkers() {
  const { WebSocket } = require("ws");
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data, ...rest) {
    if (Buffer.isBuffer(data) || data instanceof Uint8Array) {
      if (Buffer.from(data.buffer, data.byteOffset, Math.min(data.length, 4096)).includes("start_command"))
        note("command sent");
    }
    return send.call(this, data, ...rest);
  };
}

// Also in each thread of a master: an engine beside other roles has one.
if (process.env.BENCH_TRACE) {
  watchStatements();
  watchWorkers();
  subscribe("http.server.request.start", ({ request }) => {
    if (request.url.startsWith("/change_hook")) note("hook received");
  });
  subscribe("http.server.response.finish", ({ request }) => {
    if (request.url.startsWith("/change_hook")) note("hook answered");
  });
  process.once("exit", write);
}
