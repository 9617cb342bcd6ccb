import type { Command } from "commander";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { chooseForceScheduler, fillForceForm, type Wishes } from "../client/fill-form.ts";
import { following } from "../follow.ts";
import { gatherList, gatherPairs } from "../options.ts";
import { showAsked } from "../show-requests.ts";

interface Flags extends ClientFlags {
  builder?: string[];
  branch?: string;
  revision?: string;
  reason?: string;
  property?: string[];
  field?: string[];
  follow?: boolean;
}

export function addForce(program: Command, setExitCode: (code: number) => void): void {
  clientOptions(
    program
      .command("force")
      .description("request a build through a force scheduler")
      .argument("[scheduler]", "the force scheduler (default: the only one that forces these builders)")
      .option("--builder <name>", "builder to force; repeatable; all of the scheduler by default", gatherList)
      .option("--branch <branch>", "branch to build")
      .option("--revision <revision>", "revision to build")
      .option("--property <name=value>", "a property of the build; repeatable", gatherPairs)
      .option("--field <name=value>", "a field of the form by its full name; repeatable", gatherPairs)
      .option("--reason <text>", "the reason, shown with the build")
      .option("--follow", "show the build as it runs; the exit code is 1 if it fails"),
  )
    .addHelpText(
      "after",
      `
Examples:
  master force --builder web --branch main --follow
  master force release --field version=1.2.0 --reason "the new logo"

With --follow, Ctrl-C only ends the looking; the build goes on.`,
    )
    .action(async (scheduler: string | undefined, flags: Flags) => {
      if (flags.follow) {
        const act = async (api: Api, signal: AbortSignal) =>
          showAsked(api, await force(api, scheduler, flags), { json: flags.json, follow: signal });
        return setExitCode(await following(flags, act));
      }
      const api = await connect(flags);
      setExitCode(await showAsked(api, await force(api, scheduler, flags), { json: flags.json }));
    });
}

async function force(api: Api, name: string | undefined, flags: Flags) {
  const { items } = await api.list("forceschedulers", "forceschedulers");
  const scheduler = chooseForceScheduler(items, name, flags.builder);
  const { builder: builders, property: properties, field: fields, branch, revision, reason } = flags;
  const wishes: Wishes = { builders, properties, fields, branch, revision, reason };
  const path = `forceschedulers/${encodeURIComponent(scheduler.name)}` as const;
  return api.call("forceschedulers", path, "force", fillForceForm(scheduler, wishes));
}
