import { duration, Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import type { StepContext } from "../step-context.ts";
import { GitFailed, GitWorkspace } from "./git/git-workspace.ts";

const options = z.object({
  repourl: z.string().min(1).refine(isNoFlag, 'must not begin with "-"').describe("What git clones from."),
  branch: z
    .string()
    .min(1)
    .refine(isNoFlag, 'must not begin with "-"')
    .default("HEAD")
    .describe("Built when the source stamp names none; HEAD is the repository's own default."),
  codebase: z.string().default("").describe("Which source stamp of the build it checks out."),
  workdir: z.string().default("build").describe("Relative to the builder's directory on the worker."),
  mode: z
    .enum(["incremental", "full"])
    .default("incremental")
    .describe("full: nothing is left over from the build before."),
  method: z
    .enum(["clean", "fresh", "clobber"])
    .default("fresh")
    .describe("How mode full does it: clean keeps ignored files, fresh removes them too, clobber clones anew."),
  submodules: z.boolean().default(false),
  shallow: z
    .union([z.boolean(), z.int().positive()])
    .default(false)
    .transform((depth) => (depth === true ? 1 : depth === false ? null : depth))
    .describe("Fetches only that many commits; true is 1."),
  tags: z.boolean().default(false).describe("Fetches tags as well."),
  alwaysUseLatest: z.boolean().default(false).describe("Ignores the source stamp's revision."),
  retry: z
    .strictObject({ delay: duration, times: z.int().nonnegative() })
    .optional()
    .describe("What to do when the repository cannot be reached."),
  timeout: duration.nullable().prefault("20m").describe("A git command is killed after this long without output."),
  env: z.record(z.string(), z.union([z.string(), z.null()])).default({}),
  config: z.record(z.string(), z.string()).default({}).describe('Given to each git command as "-c name=value".'),
});

type GitOptions = z.output<typeof options>;

/** Brings a git repository on the worker to the build's branch and revision; sets the property `got_revision`. */
export default defineStep({
  type: "git",
  options,
  rules: { haltOnFailure: true },
  async run(ctx, options): Promise<StepEnd> {
    const stamp = ctx.source(options.codebase);
    const branch = stamp?.branch || options.branch;
    const revision = options.alwaysUseLatest ? undefined : stamp?.revision || undefined;
    if (options.description === undefined) ctx.setState(`updating ${branch}`);
    try {
      checkName("branch", branch);
      checkName("revision", revision);
      const got = await checkOut(new GitWorkspace(ctx, options), options, { branch, revision });
      setGotRevision(ctx, options.codebase, got);
      return { results: Results.SUCCESS, summary: `update ${branch} ${got.slice(0, 10)}` };
    } catch (error) {
      if (!(error instanceof GitFailed)) throw error;
      return { results: Results.FAILURE, summary: `update ${branch}`, reason: error.message };
    }
  },
});

interface Wanted {
  branch: string;
  revision: string | undefined;
}

/** Resolves to the commit that is now checked out. */
async function checkOut(git: GitWorkspace, options: GitOptions, wanted: Wanted): Promise<string> {
  await git.checkInstalled();
  const anew = options.mode === "full" && options.method === "clobber";
  if (anew || !(await git.isRepository())) {
    await git.create();
    return update(git, options, wanted);
  }
  try {
    return await update(git, options, wanted);
  } catch (error) {
    // A half-written repository or a stale lock can make any command fail; if the far end is well, begin anew, once.
    if (!(error instanceof GitFailed) || error.timedOut || !(await git.canReach(wanted.branch))) throw error;
    await git.note(`${error.message}; the directory is removed and filled anew`);
    await git.create();
    return update(git, options, wanted);
  }
}

async function update(git: GitWorkspace, options: GitOptions, { branch, revision }: Wanted): Promise<string> {
  await git.setOrigin();
  // A revision that is there needs no network.
  if (revision === undefined || !(await git.has(revision))) await git.fetch(branch, revision);
  await git.checkout(revision ?? "FETCH_HEAD", branch);
  if (options.submodules) await git.updateSubmodules();
  if (options.mode === "full" && options.method !== "clobber") await git.clean();
  return git.currentRevision();
}

function setGotRevision(ctx: StepContext, codebase: string, revision: string): void {
  if (codebase === "") return ctx.properties.set("got_revision", revision, "Git");
  const others = ctx.properties.get("got_revision");
  const known = typeof others === "object" && others !== null && !Array.isArray(others) ? others : {};
  ctx.properties.set("got_revision", { ...known, [codebase]: revision }, "Git");
}

/** Branch and revision come from whoever asked for the build: they must not be taken for options of git. */
function checkName(what: string, name: string | undefined): void {
  if (name === undefined || (isNoFlag(name) && !/[\s\0]/.test(name))) return;
  throw new GitFailed(`the ${what} ${JSON.stringify(name)} is not one that git could have`);
}

function isNoFlag(text: string): boolean {
  return !text.startsWith("-");
}
