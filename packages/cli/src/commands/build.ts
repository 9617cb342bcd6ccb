import type { Command } from "commander";
import { describeBuild } from "../build-overview.ts";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findBuild } from "../client/named-build.ts";
import { following, showFollowedBuild } from "../follow.ts";
import { describeResult, exitCodeOf } from "../show-build.ts";
import { describeItems, readItems } from "../show-items.ts";
import { sourceProperties } from "../source-of-build.ts";
import { formatJson, openTerminal } from "../terminal.ts";
import { addKeep } from "./keep.ts";
import { addLog } from "./log.ts";
import { addRebuild } from "./rebuild.ts";

interface StopFlags extends ClientFlags {
  reason?: string;
}

const which = "the build's id, BUILDER/NUMBER, or URL";

/** `master build …`: commands for one build. (`master stop` is for masters.) */
export function addBuild(program: Command, setExitCode: (code: number) => void): void {
  const build = program.command("build").description("show, follow, stop, rebuild, keep a build, or print its logs");

  clientOptions(
    build
      .command("show")
      .description("show a build, its steps, and what they build item by item")
      .argument("<build>", which),
  ).action(async (text: string, { json, ...flags }: ClientFlags) => show(await connect(flags), text, json));

  clientOptions(
    build
      .command("follow")
      .description("show a build with its steps and logs until it ends; the exit code is 1 if it fails")
      .argument("<build>", which),
  ).action(async (text: string, flags: ClientFlags) => {
    const act = async (api: Api, signal: AbortSignal) => {
      const { buildid } = await findBuild(api, text);
      return showFollowedBuild(api, buildid, { signal }, flags.json);
    };
    setExitCode(await following(flags, act));
  });

  clientOptions(
    build
      .command("stop")
      .description("stop a running build: it ends as cancelled (again: its clean-up steps end, too)")
      .argument("<build>", which)
      .option("--reason <text>", "the reason, shown with the build"),
  ).action(async (text: string, { reason, json, ...flags }: StopFlags) => {
    const api = await connect(flags);
    const found = await findBuild(api, text);
    if (!found.complete)
      await api.call("builds", `builds/${found.buildid}`, "stop", reason === undefined ? {} : { reason });
    const said = found.complete
      ? `was over already (${describeResult(found.results)})`
      : "is being stopped; its clean-up steps run unless you stop it again";
    await openTerminal().write(json ? formatJson(found) : `Build ${found.buildid} ${said}.\n`);
  });

  addKeep(build);
  addRebuild(build, setExitCode);
  addLog(build, setExitCode);
  for (const command of build.commands) command.exitOverride();

  async function show(api: Api, text: string, json: boolean | undefined): Promise<void> {
    const build = await findBuild(api, text, sourceProperties);
    const { items: steps } = await api.list("steps", `builds/${build.buildid}/steps`);
    const builder = await api.one("builders", `builders/${build.builderid}`);
    const terminal = openTerminal();
    const items = await readItems(api, build.buildid);
    if (build.complete) setExitCode(exitCodeOf(build.results ?? 2));
    if (json) {
      const result = describeResult(build.results);
      return terminal.write(formatJson({ ...build, builder: builder.name, result, steps, ...(items && { items }) }));
    }
    await terminal.write(await describeBuild(api, { build, builder, steps }, terminal));
    if (items) await terminal.write(`\n${describeItems(items, terminal)}`);
  }
}
