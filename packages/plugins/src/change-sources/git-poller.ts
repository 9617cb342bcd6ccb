import { duration } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { defineChangeSource } from "../define-change-source.ts";
import { giveCredentials } from "../git/git-settings.ts";
import { credentialsWarning, hideCredentials, holdsCredentials, parseRepository } from "../git/repository-url.ts";
import { startLooking } from "../running.ts";
import { GitFailed } from "./git-poller/git-command.ts";
import { Notices } from "./git-poller/notices.ts";
import { poll } from "./git-poller/poll.ts";

const predicate = <F extends (...args: never[]) => unknown>(of: string) =>
  z.custom<F>((value) => typeof value === "function", { message: `must be a function of ${of}` });

const options = z.strictObject({
  repository: z
    .string()
    .min(1)
    .describe("URL or path, as git takes it; credentials better come through the environment."),
  branches: z
    .union([
      z.array(z.string().min(1)).min(1),
      z.literal(true),
      predicate<(branch: string) => boolean>("the branch's name"),
    ])
    .optional()
    .describe("Names, true for all, or a function of the name; absent: the repository's own default branch."),
  maxBranches: z.int().positive().default(2000).describe("More are not followed; the log says so."),
  pollInterval: duration
    .pipe(z.number().min(100, "must be at least 100ms"))
    .prefault("1m")
    .describe("Time between two polls."),
  pollAtStart: z.boolean().default(true).describe("False: the first poll is one interval after the start."),
  buildOnFirstRun: z
    .boolean()
    .default(false)
    .describe("The first poll ever makes a change of each branch's head, instead of only noting it."),
  buildPushesWithNoCommits: z
    .boolean()
    .default(false)
    .describe("A branch that is new or moved, without a commit that is new, makes a change of its head."),
  name: z.string().min(1).max(128).optional().describe("Unique in the cluster; made from the repository when absent."),
  workdir: z.string().optional().describe("Where the local copy is kept; below the master's state when absent."),
  project: z.string().default("").describe("Of its changes."),
  codebase: z.string().default("").describe("Of its changes."),
  category: z
    .union([z.string(), predicate<(change: NewChange) => string | null>("the change")])
    .optional()
    .describe("Of its changes: a text, or a function of the change."),
  env: z.record(z.string(), z.string()).default({}).describe("Added to git's environment, such as GIT_SSH_COMMAND."),
  timeout: duration
    .prefault("30m")
    .describe("A git command that takes longer is ended; the first fetch of a large repository is the longest."),
});

type Options = z.output<typeof options>;

/** Looks for new commits in a git repository; each becomes a change, once, whichever master polls. */
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
    const notices = new Notices(warn);
    return startLooking(ctx, {
      pollMs: options.pollInterval,
      atStart: options.pollAtStart,
      async look(signal) {
        try {
          const git = { env: options.env, access, timeoutMs: options.timeout, signal };
          const problem = await poll(ctx, options, address, git, notices);
          await ctx.setProblem?.(problem);
        } catch (error) {
          if (!(error instanceof GitFailed)) throw error;
          if (signal.aborted) return undefined;
          const problem = `cannot poll ${address}: ${error.message}`;
          ctx.log.warn({ changeSource: ctx.name }, problem);
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
