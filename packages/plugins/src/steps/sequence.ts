import { type Result, Results, worstResult } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import type { StepContext } from "../step-context.ts";
import { commandList } from "../step-options.ts";
import { judgeProgram, type ProgramOptions, programShape, toShellCommand } from "./shell/program-options.ts";
import { summarizeCommand } from "./shell/summarize-command.ts";

const rules = {
  log: z.string().min(1).default("stdio").describe("The log that gets its output."),
  haltOnFailure: z.boolean().default(true).describe("A failure ends the sequence."),
  flunkOnFailure: z.boolean().default(true).describe("A failure makes the step fail."),
  warnOnFailure: z.boolean().default(false).describe("A failure makes the step's result warnings."),
};

const options = z.object({
  commands: commandList(rules, "Programs that run one after the other."),
  afterwards: commandList(
    { log: rules.log },
    "Programs that run after these, whatever happened; how they end changes nothing.",
  ),
  ...programShape,
});

interface Command {
  readonly command: string | readonly string[];
  readonly log: string;
  readonly haltOnFailure: boolean;
  readonly flunkOnFailure: boolean;
  readonly warnOnFailure: boolean;
}

/** Runs several programs in one step: `sequence({ commands: [{ command: "make" }, { command: "make check" }] })`. */
export default defineStep({
  type: "sequence",
  options,
  rules: { warnOnWarnings: true },
  async run(ctx, options): Promise<StepEnd> {
    try {
      return await runCommands(ctx, options.commands, options);
    } finally {
      await cleanUp(ctx, options.afterwards, options);
    }
  },
});

async function runCommands(ctx: StepContext, commands: readonly Command[], options: ProgramOptions): Promise<StepEnd> {
  let results: Result = Results.SUCCESS;
  const texts: string[] = [];
  for (const each of commands) {
    const shown = summarizeCommand(each.command);
    ctx.setState(shown);
    const end = await ctx.shell(toShellCommand(each.command, options), { log: each.log });
    const judged = judgeProgram(end, options);
    if (judged.results !== Results.SUCCESS)
      texts.push(judged.reason === undefined ? shown : `${shown}: ${judged.reason}`);
    results = worstResult(results, weigh(each, judged.results));
    if (judged.results === Results.FAILURE && each.haltOnFailure) break;
  }
  const summary = commands.length === 1 ? "1 command" : `${commands.length} commands`;
  return { results, summary, ...(texts.length === 0 ? {} : { reason: `failed: ${texts.join(", ")}` }) };
}

function weigh({ flunkOnFailure, warnOnFailure }: Command, result: Result): Result {
  if (result !== Results.FAILURE || flunkOnFailure) return result;
  return warnOnFailure ? Results.WARNINGS : Results.SUCCESS;
}

/** Each runs, also after one that fails and in a stopped build, until that is stopped again. */
async function cleanUp(
  ctx: StepContext,
  commands: readonly Pick<Command, "command" | "log">[],
  options: ProgramOptions,
): Promise<void> {
  for (const { command, log } of commands) await ctx.shell(toShellCommand(command, options), { log, cleanUp: true });
}
