import type { Command } from "commander";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal } from "../terminal.ts";
import { formatWhen } from "../when.ts";

export function addSchedulers(program: Command): void {
  clientOptions(
    program
      .command("schedulers")
      .description("list schedulers, with their next runs and what keeps them from building"),
  ).action(async ({ json, ...flags }: ClientFlags) => {
    const api = await connect(flags);
    const { items: schedules } = await api.list("schedules", "schedules");
    const { items } = await api.list("schedulers", "schedulers");
    const masters = new Map(items.map(({ schedulerid, master }) => [schedulerid, master?.name ?? null]));
    const found = schedules.map((schedule) => ({ ...schedule, master: masters.get(schedule.schedulerid) ?? null }));
    const terminal = openTerminal();
    if (json) return terminal.write(formatJson({ schedulers: found }));
    const when = (at: number | null) => (at === null ? "" : formatWhen(at, terminal));
    const rows = found.map(({ name, kind, enabled, master, waiting_changes, last_at, next_at, problem }) => [
      ...[name, kind, enabled ? "on" : "off", master ?? "no master"],
      ...[waiting_changes === 0 ? "" : `${waiting_changes} changes`, when(last_at), when(next_at)],
      problem === null ? "" : terminal.style("red", terminal.foreign(problem)),
    ]);
    const head = ["scheduler", "kind", "state", "runs on", "waits with", "last build", "next run", "problem"];
    await terminal.write(formatTable(head, rows, "No schedulers.", terminal));
  });
}
