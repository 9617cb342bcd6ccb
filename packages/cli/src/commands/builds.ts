import { Results } from "@multimaster/core";
import { type Command, Option } from "commander";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findBuilder, nameBuilders } from "../client/find-item.ts";
import { parseCount } from "../options.ts";
import { describeResult, formatSeconds, markResult } from "../show-build.ts";
import { sourceOf, sourceProperties } from "../source-of-build.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal } from "../terminal.ts";
import { formatWhen } from "../when.ts";

interface Flags extends ClientFlags {
  builder?: string;
  running?: boolean;
  failed?: boolean;
  succeeded?: boolean;
  limit: number;
}

export function addBuilds(program: Command): void {
  clientOptions(
    program
      .command("builds")
      .description("list builds, the latest first")
      .option("--builder <name>", "only builds of this builder")
      .addOption(new Option("--running", "only running builds").conflicts(["failed", "succeeded"]))
      .addOption(new Option("--failed", "only builds that ended as failure or exception").conflicts("succeeded"))
      .option("--succeeded", "only builds that ended as success or warnings")
      .option("--limit <count>", "maximum number of builds", parseCount, 20),
  ).action(async ({ builder, running, failed, succeeded, limit, json, ...flags }: Flags) => {
    const api = await connect(flags);
    const path =
      builder === undefined ? "builds" : (`builders/${(await findBuilder(api, builder)).builderid}/builds` as const);
    const { items, total } = await api.list("builds", path, {
      order: "-buildid",
      limit,
      property: sourceProperties,
      complete: running ? false : undefined,
      results__in: failed
        ? [Results.FAILURE, Results.EXCEPTION]
        : succeeded
          ? [Results.SUCCESS, Results.WARNINGS]
          : undefined,
    });
    const names = await nameBuilders(api);
    const terminal = openTerminal();
    if (json) {
      const rows = items.map((build) => ({
        ...build,
        builder: names.get(build.builderid) ?? null,
        result: describeResult(build.results),
      }));
      return terminal.write(formatJson({ builds: rows, total }));
    }
    const rows = items.map((build) => {
      const { revision, branch, by } = sourceOf(build);
      return [
        build.buildid,
        `${names.get(build.builderid) ?? build.builderid}/${build.number}`,
        markResult(terminal, build.results),
        ...[revision, branch, by].map(terminal.foreign),
        formatWhen(build.started_at, terminal),
        formatSeconds((build.complete_at ?? Math.floor(Date.now() / 1000)) - build.started_at),
        terminal.foreign(build.state_string),
      ];
    });
    const head = ["id", "build", "result", "commit", "branch", "by", "started", "took", "state"];
    await terminal.write(formatTable(head, rows, "No builds.", terminal));
  });
}
