import type { Command } from "commander";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findBuild } from "../client/named-build.ts";
import { following } from "../follow.ts";
import { showAsked } from "../show-requests.ts";

interface Flags extends ClientFlags {
  follow?: boolean;
}

/** `master rebuild`, which is also `master build rebuild`. */
export function addRebuild(parent: Command, setExitCode: (code: number) => void): void {
  clientOptions(
    parent
      .command("rebuild")
      .description("build the same again: sources, properties, builder")
      .argument("<build>", "the build's id, BUILDER/NUMBER, or URL")
      .option("--follow", "show the build as it runs; the exit code is 1 if it fails"),
  ).action(async (text: string, flags: Flags) => {
    if (flags.follow) {
      const act = async (api: Api, signal: AbortSignal) =>
        showAsked(api, await rebuild(api, text), { json: flags.json, follow: signal });
      return setExitCode(await following(flags, act));
    }
    const api = await connect(flags);
    setExitCode(await showAsked(api, await rebuild(api, text), { json: flags.json }));
  });
}

async function rebuild(api: Api, text: string) {
  const { buildid } = await findBuild(api, text);
  return api.call("builds", `builds/${buildid}`, "rebuild", {});
}
