import { errors, type Json } from "@multimaster/core";
import type { TryScheduler } from "@multimaster/data";
import type { Command } from "commander";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { type Difference, describeUntracked, readDifference } from "../client/try-difference.ts";
import { following } from "../follow.ts";
import { gatherList, gatherPairs, parseCount } from "../options.ts";
import { showAsked } from "../show-requests.ts";

interface Flags extends ClientFlags {
  builder?: string[];
  property?: string[];
  diff?: string;
  base?: string;
  branch?: string;
  patchLevel?: number;
  subdir?: string;
  who?: string;
  comment?: string;
  follow: boolean;
}

export function addTry(program: Command, setExitCode: (code: number) => void): void {
  clientOptions(
    program
      .command("try")
      .description("build the difference between the working tree and its upstream, before it is pushed")
      .argument("[scheduler]", "the try scheduler (default: the only one that tries these builders)")
      .option("--builder <name>", "builder to try it on; repeatable; all of the scheduler by default", gatherList)
      .option("--base <revision>", "what the difference is to (default: the branch's upstream)")
      .option("--diff <file>", "a file with the difference, or - for standard input, instead of git's")
      .option("--branch <branch>", "branch to build it on (default: the upstream's)")
      .option("--patch-level <n>", "leading parts of file names in the difference to remove (default: 1)", parseCount)
      .option("--subdir <directory>", "directory of the sources in which the difference applies")
      .option("--property <name=value>", "a property of the builds; repeatable", gatherPairs)
      .option("--who <name>", "who is shown as its author (default: the name of the token)")
      .option("--comment <text>", "a comment, shown with the builds")
      .option("--no-follow", "do not show the builds as they run"),
  )
    .addHelpText(
      "after",
      `
Examples:
  master try --builder web
  git diff | master try --diff - --branch main

The exit code is 1 if a build fails. Ctrl-C ends only the following; the builds continue.`,
    )
    .action(async (scheduler: string | undefined, flags: Flags) => {
      const difference = await readDifference(flags, process.cwd());
      if (difference.untracked.length > 0) process.stderr.write(`master: ${describeUntracked(difference.untracked)}\n`);
      if (flags.follow) {
        const act = async (api: Api, signal: AbortSignal) =>
          showAsked(api, await send(api, scheduler, flags, difference), { json: flags.json, follow: signal });
        return setExitCode(await following(flags, act));
      }
      const api = await connect(flags);
      setExitCode(await showAsked(api, await send(api, scheduler, flags, difference), { json: flags.json }));
    });
}

async function send(api: Api, name: string | undefined, flags: Flags, { body, branch, revision }: Difference) {
  const scheduler = await chooseScheduler(api, name, flags.builder);
  const { builder, property = [], patchLevel, subdir, who, comment } = flags;
  const properties: Record<string, Json> = Object.fromEntries(property.map((text) => text.split(/=(.*)/s, 2)));
  return api.call("tryschedulers", `tryschedulers/${encodeURIComponent(scheduler)}`, "try", {
    patch: Buffer.from(body).toString("base64"),
    properties,
    ...(branch === undefined ? {} : { branch }),
    ...(revision === undefined ? {} : { revision }),
    ...(builder === undefined ? {} : { builderNames: builder }),
    ...(patchLevel === undefined ? {} : { level: patchLevel }),
    ...(subdir === undefined ? {} : { subdir }),
    ...(who === undefined ? {} : { who }),
    ...(comment === undefined ? {} : { comment }),
  });
}

/** The one of this name, or the only one that tries all these builders. */
async function chooseScheduler(api: Api, name: string | undefined, builders: readonly string[] = []): Promise<string> {
  const { items } = await api.list("tryschedulers", "tryschedulers");
  if (name !== undefined) {
    if (items.some((item) => item.name === name)) return name;
    const have = items.map((item) => item.name).join(", ");
    throw errors.requestInvalid(`There is no try scheduler "${name}" (have: ${have || "none"}).`);
  }
  const fits = ({ enabled, builder_names: names }: TryScheduler) =>
    enabled && builders.every((builder) => names.includes(builder));
  const fitting = items.filter(fits).map(({ name }) => name);
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  const wanted = builders.length === 0 ? "" : ` for ${builders.join(" and ")}`;
  const tried = [...new Set(items.flatMap((item) => (item.enabled ? item.builder_names : [])))];
  throw errors.requestInvalid(
    fitting.length === 0
      ? `There is no try scheduler${wanted} (builders that have one: ${tried.join(", ") || "none"}).`
      : `There are several try schedulers${wanted}; name one: ${fitting.join(", ")}.`,
  );
}
