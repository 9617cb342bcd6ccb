import type { Command } from "commander";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findWorker } from "../client/find-item.ts";
import { formatJson, formatTable, openTerminal } from "../terminal.ts";

interface ActFlags extends ClientFlags {
  reason?: string;
}

const acts = [
  ["pause", "start no new builds on a worker", "is paused"],
  ["unpause", "start builds on a paused worker again", "is no longer paused"],
  ["stop", "let a worker finish its builds and end", "is stopping"],
] as const;

/** `master workers`, and the commands for one worker. */
export function addWorkers(program: Command): void {
  const workers = clientOptions(
    program.command("workers").description("list workers, or pause, unpause, stop one"),
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
        ["name", "state", "builds", "connected to"],
        rows.map((worker) => [
          worker.name,
          describe(worker),
          worker.running_builds,
          worker.connected_to.map(({ masterid }) => masterNames.get(masterid) ?? masterid).join(", ") || "-",
        ]),
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
  for (const command of workers.commands) command.exitOverride();
}

/** The worker's state, worded as in `master status`. */
export function describe({
  connected_to: masters,
  configured_on: places,
  paused,
  graceful,
}: {
  readonly connected_to: readonly unknown[];
  readonly configured_on: readonly unknown[];
  readonly paused: boolean;
  readonly graceful: boolean;
}): string {
  // A worker that was renamed or removed from the config is not expected to connect.
  const away = places.length > 0 ? "away" : "unused";
  return [masters.length > 0 ? "connected" : away, paused && "paused", graceful && "stopping"]
    .filter(Boolean)
    .join(", ");
}
