import { append, errors } from "@multimaster/core";
import type { Build, Log, Step } from "@multimaster/data";
import { type Command, Option } from "commander";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { type FollowOptions, followStep } from "../client/follow-build.ts";
import { type LogLine, readLog } from "../client/follow-log.ts";
import { findBuild } from "../client/named-build.ts";
import { Pace } from "../client/pace.ts";
import { hasFailed } from "../error-lines.ts";
import { following, showFollowedBuild } from "../follow.ts";
import { parseCount } from "../options.ts";
import { formatLine } from "../show-build.ts";
import { openTerminal, type Terminal } from "../terminal.ts";

interface Flags extends ClientFlags {
  follow?: boolean;
  lines?: number;
  failed?: boolean;
}

/** The named step and log; all of them if absent. */
interface Wanted {
  readonly step: string | undefined;
  readonly log: string | undefined;
}

/** `master log`, which is also `master build log`. */
export function addLog(parent: Command, setExitCode: (code: number) => void): void {
  clientOptions(
    parent
      .command("log")
      .description("print the logs of a build, of one of its steps, or one log")
      .argument("<build>", "the build's id, BUILDER/NUMBER, or URL")
      .argument("[step]", "the step's name or number (default: all steps)")
      .argument("[log]", "the log's name (default: all of the step)")
      .addOption(new Option("--failed", "only what the commands of failed steps printed").conflicts("follow"))
      .option("--follow", "print further lines until the build or step ends")
      .option("--lines <count>", "only the last lines of each log", parseCount),
  )
    .addHelpText(
      "after",
      `
Examples:
  master log web/17                             everything that build 17 of the builder web wrote
  master log web/17 test stdio --lines 50       the last 50 lines of one log
  master log web/17 --failed                    what the failed steps of build 17 printed
  master log 4711 test --follow | grep FAIL     what a running step writes

The exit code is 1 when a whole build was followed and it failed.`,
    )
    .action(async (text: string, step: string | undefined, log: string | undefined, flags: Flags) => {
      const wanted = { step, log };
      if (!flags.follow) {
        const api = await connect(flags);
        return print(api, await findBuild(api, text), wanted, flags);
      }
      setExitCode(
        await following(flags, async (api, signal) => {
          const build = await findBuild(api, text);
          const { lines, json } = flags;
          const options: FollowOptions = { signal, ...(lines === undefined ? {} : { lines }) };
          if (step === undefined) return showFollowedBuild(api, build.buildid, options, json);
          return printFollowed(api, build, { step, log }, options, json);
        }),
      );
    });
}

async function print(api: Api, { buildid }: Build, wanted: Wanted, { json, lines, failed }: Flags): Promise<void> {
  const terminal = openTerminal();
  const { items: steps } = await api.list("steps", `builds/${buildid}/steps`);
  const named = wanted.step === undefined ? steps : [findStep(steps, wanted.step) ?? noStep(steps, wanted.step)];
  const chosen = failed ? named.filter(hasFailed) : named;
  const logs: { step: Step; log: Log }[] = [];
  for (const step of chosen) {
    const { items } = await api.list("logs", `steps/${step.stepid}/logs`);
    const mine = items.filter((log) => isWanted(log, wanted.log));
    if (wanted.log !== undefined && mine.length === 0) noLog(step, items, wanted.log);
    append(
      logs,
      mine.map((log) => ({ step, log })),
    );
  }
  for (const { step, log } of logs) {
    if (logs.length > 1 && !json)
      await terminal.write(terminal.style("bold", `── ${terminal.foreign(`${step.name}: ${log.name}`)}\n`));
    const from = lines === undefined ? 0 : Math.max(0, log.num_lines - lines);
    for await (const batch of readLog(api, log, { from })) {
      const printed = failed ? batch.filter(({ stream }) => stream !== "header") : batch;
      await printLines(terminal, step, log, printed, json);
    }
  }
}

/** Waits for the step to begin, and prints until it ends. */
async function printFollowed(
  api: Api,
  { buildid }: Build,
  wanted: { step: string; log: string | undefined },
  options: FollowOptions,
  json: boolean | undefined,
): Promise<number> {
  const terminal = openTerminal();
  const pace = new Pace(options.signal);
  for (;;) {
    const { complete } = await api.one("builds", `builds/${buildid}`);
    const { items: steps } = await api.list("steps", `builds/${buildid}/steps`);
    const step = findStep(steps, wanted.step);
    if (step && (step.started_at !== null || complete)) {
      const events = followStep(api, step, { ...options, isWanted: (log) => isWanted(log, wanted.log) });
      for await (const event of events) {
        if (event.event === "lines") await printLines(terminal, step, event.log, event.lines, json);
      }
      return 0;
    }
    if (complete) noStep(steps, wanted.step);
    await pace.rest();
  }
}

async function printLines(
  terminal: Terminal,
  step: Step,
  log: Log,
  lines: readonly LogLine[],
  json: boolean | undefined,
): Promise<void> {
  const format = (line: LogLine) =>
    json ? `${JSON.stringify({ step: step.name, log: log.slug, ...line })}\n` : formatLine(terminal, line);
  await terminal.write(lines.map(format).join(""));
}

function findStep(steps: readonly Step[], text: string): Step | undefined {
  return steps.find(({ name }) => name === text) ?? steps.find(({ number }) => String(number) === text);
}

function noStep(steps: readonly Step[], text: string): never {
  const names = steps.map(({ name }) => name).join(", ");
  throw errors.notFound(`The build has no step "${text}" (has: ${names || "none"}).`);
}

function noLog(step: Step, logs: readonly Log[], text: string): never {
  const names = logs.map(({ slug }) => slug).join(", ");
  throw errors.notFound(`The step ${step.name} has no log "${text}" (has: ${names || "none"}).`);
}

function isWanted({ name, slug }: Log, wanted: string | undefined): boolean {
  return wanted === undefined || name === wanted || slug === wanted;
}
