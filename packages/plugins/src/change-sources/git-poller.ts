import { duration } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { defineChangeSource } from "../define-change-source.ts";
import { giveCredentials } from "../git/git-settings.ts";
import { credentialsWarning, hideCredentials, holdsCredentials, parseRepository } from "../git/repository-url.ts";
import { OptionFunctions, OptionRests } from "../option-functions.ts";
import { startPolling } from "../running.ts";
import { GitFailed } from "./git-poller/git-command.ts";
import { Notices } from "./git-poller/notices.ts";
import { poll } from "./git-poller/poll.ts";

const predicate = <F extends (...args: never[]) => unknown>(of: string) =>
  z.custom<F>((value) => typeof value === "function", { message: `must be a function of ${of}` });

const options = z.strictObject({
  repository: z
    .string()
    .min(1)
    .describe("URL or path of the repository, as git accepts it; pass credentials through the environment."),
  branches: z
    .union([
      z.array(z.string().min(1)).min(1),
      z.literal(true),
      predicate<(branch: string) => boolean>("the branch's name"),
    ])
    .optional()
    .describe("Names, true for all, or a function of the name; absent: the repository's own default branch."),
  maxBranches: z
    .int()
    .positive()
    .default(2000)
    .describe("Maximum number of branches; further ones are not followed, and the log says so."),
  pollInterval: duration
    .pipe(z.number().min(100, "must be at least 100ms"))
    .prefault("1m")
    .describe("Time between two polls."),
  pollAtStart: z.boolean().default(true).describe("False: the first poll is one interval after the start."),
  buildOnFirstRun: z
    .boolean()
    .default(false)
    .describe("The very first poll adds a change for each branch's head, instead of only recording it."),
  buildPushesWithNoCommits: z
    .boolean()
    .default(false)
    .describe("Adds a change for the head of a new or moved branch even if none of its commits is new."),
  name: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe("Unique in the cluster; derived from the repository when absent."),
  workdir: z
    .string()
    .optional()
    .describe("Directory of the local copy; below the master's state directory when absent."),
  project: z.string().default("").describe("Project of its changes."),
  codebase: z.string().default("").describe("Codebase of its changes."),
  category: z
    .union([z.string(), predicate<(change: NewChange) => string | null>("the change")])
    .optional()
    .describe("Category of its changes: a text, or a function of the change."),
  env: z.record(z.string(), z.string()).default({}).describe("Added to git's environment, such as GIT_SSH_COMMAND."),
  timeout: duration
    .prefault("30m")
    .describe("A git command that takes longer is killed; the first fetch of a large repository takes longest."),
});

type Options = z.output<typeof options>;

/** Polls a git repository for new commits; each becomes one change, whichever master polls. */
export default defineChangeSource({
  type: "git-poller",
  className: "GitPoller",
  options,
  nameOf,
  warnings: ({ repository }) =>
    holdsCredentials(repository) ? [{ path: ["repository"], sentence: credentialsWarning }] : [],
  async start(ctx, options) {
    const { address, credentials } = parseRepository(options.repository, ctx.configDirectory);
    const access = giveCredentials(address, credentials);
    const warn = (text: string) => ctx.log.warn({ changeSource: ctx.name }, `${address}: ${text}`);
    const memory = { notices: new Notices(warn), functions: new OptionFunctions(ctx.clock) };
    const failures = new Notices((text) => ctx.log.warn({ changeSource: ctx.name }, text));
    return startPolling(ctx, {
      pollMs: options.pollInterval,
      atStart: options.pollAtStart,
      async poll(signal) {
        try {
          const git = { env: options.env, access, timeoutMs: options.timeout, signal };
          const problem = await poll(ctx, options, address, git, memory);
          failures.setIf(false, "poll", "");
          await ctx.setProblem?.(problem);
        } catch (error) {
          if (!(error instanceof GitFailed || error instanceof OptionRests)) throw error;
          if (signal.aborted) return undefined;
          const problem = `cannot poll ${address}: ${error.message}`;
          failures.setIf(true, "poll", problem);
          await ctx.setProblem?.(problem);
        }
        return undefined;
      },
    });
  },
});

function nameOf({ name, repository }: Options): string {
  return name ?? `GitPoller:${hideCredentials(repository)}`;
}
