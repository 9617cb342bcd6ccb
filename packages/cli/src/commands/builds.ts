import { Results } from "@multimaster/core";
import { type Command, Option } from "commander";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findBuilder, nameBuilders } from "../client/find-item.ts";
import { parseCount } from "../options.ts";
import { describeResult, formatSeconds } from "../show-build.ts";
import { formatJson, formatTable, openTerminal } from "../terminal.ts";

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
      const rows = items.map((build) => ({ ...build, builder: names.get(build.builderid) ?? null }));
      return terminal.write(formatJson({ builds: rows, total }));
    }
    const rows = items.map((build) => [
      build.buildid,
      `${names.get(build.builderid) ?? build.builderid}/${build.number}`,
      describeResult(build.results),
      terminal.foreign(build.state_string),
      new Date(build.started_at * 1000).toISOString(),
      formatSeconds((build.complete_at ?? Math.floor(Date.now() / 1000)) - build.started_at),
    ]);
    await terminal.write(formatTable(["id", "build", "result", "state", "started", "took"], rows, "No builds."));
  });
}
