import type { Command } from "commander";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findBuild } from "../client/named-build.ts";
import { formatJson, openTerminal } from "../terminal.ts";

interface KeepFlags extends ClientFlags {
  reason?: string;
}

const which = "the build's id, BUILDER/NUMBER, or URL";

/** `master build keep` and `release`: whether retention may delete a build. */
export function addKeep(build: Command): void {
  clientOptions(
    build
      .command("keep")
      .description("keep a build and its logs from being deleted by retention")
      .argument("<build>", which)
      .option("--reason <text>", "the reason, shown with the build"),
  ).action(async (text: string, { reason, json, ...flags }: KeepFlags) => {
    const api = await connect(flags);
    const { buildid } = await findBuild(api, text);
    await api.call("builds", `builds/${buildid}`, "keep", reason === undefined ? {} : { reason });
    const kept = await api.one("builds", `builds/${buildid}`);
    const terminal = openTerminal();
    const by = terminal.foreign(kept.kept_by ?? "");
    await terminal.write(json ? formatJson(kept) : `Build ${buildid} is kept by ${by}.\n`);
  });

  clientOptions(
    build.command("release").description("let retention delete a build that is kept").argument("<build>", which),
  ).action(async (text: string, { json, ...flags }: ClientFlags) => {
    const api = await connect(flags);
    const { buildid } = await findBuild(api, text);
    await api.call("builds", `builds/${buildid}`, "release", {});
    const released = await api.one("builds", `builds/${buildid}`);
    await openTerminal().write(json ? formatJson(released) : `Build ${buildid} is no longer kept.\n`);
  });
}
