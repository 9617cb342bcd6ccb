import type { Command } from "commander";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findBuild } from "../client/named-build.ts";
import { parseCount } from "../options.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal, type Terminal } from "../terminal.ts";

interface Flags extends ClientFlags {
  all?: boolean;
  limit: number;
}

export function addTests(program: Command): void {
  clientOptions(
    program
      .command("tests")
      .description("list the tests of a build that failed, or with --all every test")
      .argument("<build>", "the build's id, BUILDER/NUMBER, or URL")
      .option("--all", "also tests that passed or were skipped")
      .option("--limit <count>", "maximum number of tests", parseCount, 500),
  ).action(async (text: string, { all, limit, json, ...flags }: Flags) => {
    const api = await connect(flags);
    const { buildid } = await findBuild(api, text);
    const { items, total } = await api.list("test_runs", `builds/${buildid}/tests`, {
      failed: all ? undefined : true,
      limit,
    });
    const terminal = openTerminal();
    if (json) return terminal.write(formatJson({ tests: items, total }));
    const rows = items.map(({ name, outcome, failed, code_path, line, duration_ns }) => [
      markOutcome(terminal, outcome, failed),
      terminal.foreign(name ?? ""),
      terminal.foreign(`${code_path ?? ""}${line === null || code_path === null ? "" : `:${line}`}`),
      duration_ns === null ? "" : `${(duration_ns / 1e9).toFixed(3)} s`,
    ]);
    const none = all ? "The build reports no tests." : "No test of the build failed.";
    await terminal.write(formatTable(["outcome", "test", "at", "took"], rows, none, terminal));
    if (total > items.length && terminal.isTty)
      await terminal.write(`${total - items.length} more: raise --limit, or use --json.\n`);
  });
}

function markOutcome(terminal: Terminal, outcome: string, failed: boolean): string {
  return failed ? terminal.style("red", `✗ ${outcome}`) : terminal.style("green", `✓ ${outcome}`);
}
