import type { Command } from "commander";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { parseCount } from "../options.ts";
import { shortRevision } from "../source-of-build.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal } from "../terminal.ts";
import { formatWhen } from "../when.ts";

interface Flags extends ClientFlags {
  branch?: string;
  author?: string;
  limit: number;
}

export function addChanges(program: Command): void {
  clientOptions(
    program
      .command("changes")
      .description("list changes, the latest first")
      .option("--branch <name>", "only changes of this branch")
      .option("--author <text>", "only changes whose author contains this text")
      .option("--limit <count>", "maximum number of changes", parseCount, 20),
  ).action(async ({ branch, author, limit, json, ...flags }: Flags) => {
    const api = await connect(flags);
    const query = { order: "-changeid", limit, branch, author__contains: author } as const;
    const { items, total } = await api.list("changes", "changes", query);
    const terminal = openTerminal();
    if (json) return terminal.write(formatJson({ changes: items, total }));
    const rows = items.map((change) => [
      change.changeid,
      ...[shortRevision(change.revision ?? ""), change.branch ?? "", change.author].map(terminal.foreign),
      formatWhen(change.when_timestamp, terminal),
      terminal.foreign(change.comments.split("\n", 1)[0] ?? ""),
    ]);
    const head = ["id", "commit", "branch", "author", "when", "comments"];
    await terminal.write(formatTable(head, rows, "No changes.", terminal));
  });
}
