import { explainStanding, standingOf, wordStanding } from "@multimaster/operator/worker-standing";
import type { Command } from "commander";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findWorker } from "../client/find-item.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal } from "../terminal.ts";
import { formatWhen } from "../when.ts";

interface ActFlags extends ClientFlags {
  reason?: string;
}

const acts = [
  ["pause", "start no new builds on a worker", "is paused"],
  ["unpause", "start builds on a paused or quarantined worker again", "is no longer paused"],
  ["stop", "let a worker finish its builds and end", "is stopping"],
] as const;

/** `master workers`, and the commands for one worker. */
export function addWorkers(program: Command): void {
  const workers = clientOptions(
    program
      .command("workers")
      .description("list workers, pause, unpause or stop one, write its note, or show its history"),
  ).action(async ({ json, ...flags }: ClientFlags) => {
    const api = await connect(flags);
    const { items } = await api.list("workers", "workers", { order: "name" });
    const { items: running } = await api.list("builds", "builds", { complete: false });
    const { items: masters } = await api.list("masters", "masters");
    const masterNames = new Map(masters.map(({ masterid, name }) => [masterid, name]));
    const builds = new Map<number | null, number>();
    for (const { workerid } of running) builds.set(workerid, (builds.get(workerid) ?? 0) + 1);
    const rows = items.map((worker) => ({ ...worker, running_builds: builds.get(worker.workerid) ?? 0 }));
    const terminal = openTerminal();
    if (json) return terminal.write(formatJson({ workers: rows }));
    await terminal.write(
      formatTable(
        ["name", "state", "builds", "connected to", "about"],
        rows.map((worker) => {
          const standing = standingOf(worker, (masterid) => masterNames.get(masterid) ?? String(masterid));
          const masters = standing.connected_to.join(", ") || "-";
          return [worker.name, wordStanding(standing), worker.running_builds, masters, explainStanding(standing)];
        }),
        "No workers.",
      ),
    );
  });

  for (const [name, description, done] of acts) {
    clientOptions(
      workers
        .command(name)
        .description(description)
        .argument("<name>", "the worker's name")
        .option("--reason <text>", "the reason, shown with the worker"),
    ).action(async (text: string, _: ActFlags, command: Command) => {
      // Options may also come before the action.
      const { reason, json, ...flags } = command.optsWithGlobals<ActFlags>();
      const api = await connect(flags);
      const { workerid } = await findWorker(api, text);
      await api.call("workers", `workers/${workerid}`, name, reason === undefined ? {} : { reason });
      const worker = await api.one("workers", `workers/${workerid}`);
      await openTerminal().write(json ? formatJson(worker) : `The worker ${text} ${done}.\n`);
    });
  }
  addNote(workers);
  addHistory(workers);
  for (const command of workers.commands) command.exitOverride();
}

function addNote(workers: Command): void {
  clientOptions(
    workers
      .command("note")
      .description("replace the note that users see with a worker; without a text, the config's note is shown again")
      .argument("<name>", "the worker's name")
      .argument("[text]", "the note"),
  ).action(async (name: string, text: string | undefined, _: ClientFlags, command: Command) => {
    const { json, ...flags } = command.optsWithGlobals<ClientFlags>();
    const api = await connect(flags);
    const { workerid } = await findWorker(api, name);
    await api.call("workers", `workers/${workerid}`, "note", { note: text ?? null });
    const worker = await api.one("workers", `workers/${workerid}`);
    const terminal = openTerminal();
    const shown = worker.note === null ? "has no note" : `has the note: ${terminal.foreign(worker.note)}`;
    await terminal.write(json ? formatJson(worker) : `The worker ${name} ${shown}\n`);
  });
}

function addHistory(workers: Command): void {
  clientOptions(
    workers
      .command("history")
      .description("show when and why a worker took no builds, the latest first")
      .argument("<name>", "the worker's name")
      .option("--limit <number>", "how many times", (value) => Number(value), 30),
  ).action(async (name: string, _: ClientFlags, command: Command) => {
    const { json, limit, ...flags } = command.optsWithGlobals<ClientFlags & { limit: number }>();
    const api = await connect(flags);
    const { workerid } = await findWorker(api, name);
    const order = "-absenceid";
    const { items } = await api.list("worker_absences", `workers/${workerid}/absences`, { order, limit });
    const terminal = openTerminal();
    if (json) return terminal.write(formatJson({ worker_absences: items }));
    const time = (seconds: number | null) => (seconds === null ? "-" : formatWhen(seconds, terminal));
    await terminal.write(
      formatTable(
        ["from", "to", "state", "reason", "master", "detail"],
        items.map((one) => [
          ...[time(one.began_at), time(one.ended_at), one.missing_at === null ? one.kind : "missing"],
          ...[one.reason.replaceAll("_", " "), one.master ?? "-", one.detail ?? ""],
        ]),
        "It has never been away or paused.",
      ),
    );
  });
}
