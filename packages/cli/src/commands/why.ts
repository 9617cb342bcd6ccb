import type { Waiting, WaitingChanges } from "@multimaster/data";
import type { Command } from "commander";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findBuilder } from "../client/find-item.ts";
import { readIfSupported } from "../client/read-if-supported.ts";
import { formatSeconds } from "../show-build.ts";
import { formatJson, openTerminal, type Terminal } from "../terminal.ts";

export function addWhy(program: Command): void {
  clientOptions(
    program
      .command("why")
      .description("show why build requests wait: all, one, or those of a builder; also changes not built yet")
      .argument("[what]", "a build request's id, or a builder's name (default: all that wait)"),
  ).action(async (what: string | undefined, { json, ...flags }: ClientFlags) => {
    const api = await connect(flags);
    const { waiting, others, changes } = await readIfSupported(api.url, "why something waits", () => read(api, what));
    const terminal = openTerminal();
    const text = [
      ...waiting.map((one) => describeRequest(one, terminal)),
      countOthers(others),
      ...changes.map((some) => describeChanges(some, terminal)),
    ].join("");
    await terminal.write(json ? formatJson({ waiting, changes }) : text || "Nothing waits.\n");
  });
}

async function read(
  api: Api,
  what: string | undefined,
): Promise<{ waiting: readonly Waiting[]; others: number; changes: readonly WaitingChanges[] }> {
  if (what === undefined) {
    const requests = await readRequests(api, "waiting");
    const { items: changes } = await api.list("waiting_changes", "waiting/changes");
    return { ...requests, changes };
  }
  if (/^\d{1,15}$/.test(what)) {
    return { waiting: [await api.one("waiting", `buildrequests/${what}/why`)], others: 0, changes: [] };
  }
  const { builderid } = await findBuilder(api, what);
  return { ...(await readRequests(api, `builders/${builderid}/waiting`)), changes: [] };
}

/** The first requests that wait, and how many more do. */
async function readRequests(
  api: Api,
  path: "waiting" | `builders/${number}/waiting`,
): Promise<{ waiting: readonly Waiting[]; others: number }> {
  const { items: waiting, total } = await api.list("waiting", path);
  return { waiting, others: total - waiting.length };
}

function countOthers(others: number): string {
  if (others === 0) return "";
  return `${others} more build ${others === 1 ? "request waits" : "requests wait"}: name a builder or a request.\n`;
}

function describeRequest({ buildrequestid, builder, priority, since, reasons }: Waiting, terminal: Terminal): string {
  const urgency = priority === 0 ? "" : `, priority ${priority}`;
  const head = terminal.foreign(`Build request ${buildrequestid} of ${builder} (${age(since)}${urgency}):`);
  return `${head}\n${listReasons(reasons, terminal)}`;
}

/** A ui master of the previous release sends all ids, and no number of others. */
type SentChanges = Omit<WaitingChanges, "changeids_more"> & Partial<WaitingChanges>;

function describeChanges(
  { changeids, changeids_more = 0, scheduler, branch, since, reasons }: SentChanges,
  terminal: Terminal,
): string {
  const others = changeids_more === 0 ? "" : ` and ${changeids_more} more`;
  const which = `Change${changeids.length === 1 ? "" : "s"} ${changeids.join(", ")}${others}`;
  const where = branch === null ? "" : ` on ${branch}`;
  const head = terminal.foreign(`${which}${where} for the scheduler ${scheduler} (${age(since)}):`);
  return `${head}\n${listReasons(reasons, terminal)}`;
}

function listReasons(reasons: Waiting["reasons"], terminal: Terminal): string {
  return (
    reasons.map(({ sentence }) => `  ${terminal.foreign(sentence)}\n`).join("") || "  An engine is about to take it.\n"
  );
}

function age(since: number): string {
  return `since ${formatSeconds(Math.max(0, Math.floor(Date.now() / 1000) - since))}`;
}
