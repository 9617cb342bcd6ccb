import { z } from "zod";
import { defineChangeSource } from "../define-change-source.ts";
import { OptionFunctions } from "../option-functions.ts";
import { pollerShape, pollRepository } from "../source/poller-options.ts";
import { svnCredentials, svnUrl } from "../svn/svn-url.ts";
import { pollSvn } from "./svn-poller/poll-svn.ts";
import { type SplitFile, splitBranches } from "./svn-poller/split-file.ts";

const options = z.strictObject({
  repository: svnUrl.describe("Address of the repository, or of a directory in it; only changes below it count."),
  splitFile: z
    .union([
      z.literal("branches"),
      z.custom<SplitFile>((value) => typeof value === "function", { message: "must be a function of a file's path" }),
    ])
    .optional()
    .describe(
      'Says of a file\'s path its branch, and its path there: `{ branch, path, project?, codebase? }`, or null for a file of no interest. "branches": trunk, and each directory below branches. Absent: no branches.',
    ),
  ...pollerShape,
  credentials: svnCredentials,
});

/** Polls a Subversion repository for new revisions; each becomes one change for each branch that it touches. */
export default defineChangeSource({
  type: "svn-poller",
  className: "SVNPoller",
  options,
  nameOf: ({ name, repository }) => name ?? `SVNPoller:${repository}`.slice(0, 128),
  async start(ctx, { splitFile, ...options }) {
    const split =
      splitFile === "branches" ? splitBranches : (splitFile ?? ((path: string) => ({ branch: null, path })));
    const functions = new OptionFunctions(ctx.clock);
    return pollRepository(ctx, options, {
      what: options.repository,
      poll: (signal) => pollSvn(ctx, { ...options, split, functions }, signal),
    });
  },
});
