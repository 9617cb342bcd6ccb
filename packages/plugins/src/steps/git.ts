import { duration, Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import { isRefName } from "../git/ref-names.ts";
import { credentialsWarning, holdsCredentials } from "../git/repository-url.ts";
import type { StepContext } from "../step-context.ts";
import { applyPatch } from "./git/apply-patch.ts";
import { checkWanted, findTarget, listRefs, type Wanted } from "./git/find-target.ts";
import { GitFailed } from "./git/git-failed.ts";
import { GitWorkspace } from "./git/git-workspace.ts";
import { askForBranches, askForRefs, type RemoteRefs } from "./git/remote-refs.ts";
import { SourceFetcher } from "./git/source-fetcher.ts";

const options = z.object({
  repourl: z
    .string()
    .min(1)
    .refine((url) => !url.startsWith("-"), 'must not begin with "-"')
    .describe(
      "URL of the repository. A user name and password in it are masked, and passed to git in its environment.",
    ),
  branch: z
    .string()
    .refine(isRefName, 'must be a valid name for git: no space, no "-" at its beginning, no ":", "..", "~"')
    .default("HEAD")
    .describe("Branch to build if the source stamp names none; HEAD is the repository's own default."),
  codebase: z.string().default("").describe("Codebase of the source stamp that it checks out."),
  workdir: z.string().default("build").describe("Relative to the builder's directory on the worker."),
  mode: z
    .enum(["incremental", "full"])
    .default("incremental")
    .describe("full: removes everything that the previous build left."),
  method: z
    .enum(["clean", "fresh", "clobber"])
    .default("fresh")
    .describe("Method of mode full: clean keeps ignored files, fresh removes them too, clobber clones again."),
  revisionMustBeOnBranch: z
    .boolean()
    .optional()
    .describe(
      "Refuses a revision that the branch does not contain. Absent: for branches, tags and HEAD, not for other refs such as those of pull requests.",
    ),
  submodules: z.boolean().default(false).describe("Checks out the repository's submodules, too."),
  shallow: z
    .union([z.boolean(), z.int().positive()])
    .default(false)
    .transform((depth) => (depth === true ? 1 : depth === false ? null : depth))
    .describe("Fetches only that many commits; true is 1."),
  tags: z.boolean().default(false).describe("Fetches tags as well."),
  alwaysUseLatest: z.boolean().default(false).describe("Ignores the source stamp's revision."),
  retry: z
    .strictObject({
      delay: duration.describe("Time between two attempts."),
      times: z.int().nonnegative().describe("Number of attempts after the first."),
    })
    .optional()
    .describe("How often to retry when the repository cannot be reached."),
  timeout: duration.nullable().prefault("20m").describe("A git command is killed after this long without output."),
  env: z
    .record(z.string(), z.union([z.string(), z.null()]))
    .default({})
    .describe("Added to git's environment; null removes a variable."),
  config: z.record(z.string(), z.string()).default({}).describe('Passed to each git command as "-c name=value".'),
});

type GitOptions = z.output<typeof options>;

/**
 * Updates a git repository on the worker to the build's branch and revision, and applies the patch of a try; sets the property
 * `got_revision`.
 */
export default defineStep({
  type: "git",
  options,
  rules: { haltOnFailure: true },
  warnings: ({ repourl }) =>
    typeof repourl === "string" && holdsCredentials(repourl)
      ? [{ path: ["repourl"], sentence: credentialsWarning }]
      : [],
  async run(ctx, options): Promise<StepEnd> {
    const stamp = ctx.source(options.codebase);
    const branch = stamp?.branch || options.branch;
    const revision = options.alwaysUseLatest ? undefined : stamp?.revision || undefined;
    if (options.description === undefined) ctx.setState(`updating ${branch}`);
    try {
      const wanted = { branch, revision, mustBeOnBranch: options.revisionMustBeOnBranch };
      checkWanted(wanted);
      const workspace = new GitWorkspace(ctx, options);
      const got = await checkOut(workspace, options, wanted);
      setGotRevision(ctx, options.codebase, got);
      const patch = ctx.build.sources.find((source) => source === stamp)?.patch ?? null;
      if (patch !== null) await applyPatch(workspace.git, patch);
      return {
        results: Results.SUCCESS,
        summary: `update ${branch} ${got.slice(0, 10)}${patch === null ? "" : " with a patch"}`,
      };
    } catch (error) {
      if (!(error instanceof GitFailed)) throw error;
      return { results: Results.FAILURE, summary: `update ${branch}`, reason: error.message };
    }
  },
});

/** Resolves to the commit that is now checked out. */
async function checkOut(workspace: GitWorkspace, options: GitOptions, asked: Wanted): Promise<string> {
  await workspace.restore();
  // If git has read the repository, it is installed.
  if (workspace.format === undefined) await workspace.checkInstalled();
  const listed = await askForRefs(workspace.git, listRefs(asked));
  const { wanted, refs } = await followOnlyBranch(workspace, asked, listed);
  const format = (refs.hashLength ?? wanted.revision?.length) === 64 ? "sha256" : "sha1";
  const isNew = workspace.format !== format;
  if (isNew) await workspace.create(format);
  try {
    return await update(workspace, options, wanted, refs);
  } catch (error) {
    // A half-written repository can make any command fail; if the remote is reachable, it is created again, once.
    if (isNew || !(error instanceof GitFailed) || error.fault === "request" || error.fault === "timeout") throw error;
    await askForRefs(workspace.git, []);
    await workspace.git.note(`${error.message}; the directory is removed and filled again`);
    await workspace.create(format);
    return update(workspace, options, wanted, refs);
  }
}

async function update(workspace: GitWorkspace, options: GitOptions, wanted: Wanted, refs: RemoteRefs): Promise<string> {
  const target = await findTarget(wanted, refs, new SourceFetcher(workspace.git, options));
  await workspace.checkout(target, wanted.branch);
  return target;
}

/** If HEAD does not resolve, the only branch is built; with several branches the choice is not known. */
async function followOnlyBranch({ git }: GitWorkspace, wanted: Wanted, refs: RemoteRefs) {
  if (wanted.branch !== "HEAD" || refs.find("HEAD") !== undefined) return { wanted, refs };
  const branches = await askForBranches(git);
  const [only] = branches;
  if (only === undefined) throw new GitFailed("the repository has no branches", "request");
  if (branches.length > 1) {
    const some = branches.slice(0, 10).join(", ");
    throw new GitFailed(
      `HEAD of the repository names a branch that is not there; say which to build: ${some}${branches.length > 10 ? ", …" : ""}`,
      "request",
    );
  }
  await git.note(`HEAD of the repository names a branch that is not there; its only branch ${only} is built`);
  const followed = { ...wanted, branch: only };
  return { wanted: followed, refs: await askForRefs(git, listRefs(followed)) };
}

function setGotRevision(ctx: StepContext, codebase: string, revision: string): void {
  if (codebase === "") return ctx.properties.set("got_revision", revision, "Git");
  const others = ctx.properties.get("got_revision");
  const known = typeof others === "object" && others !== null && !Array.isArray(others) ? others : {};
  ctx.properties.set("got_revision", { ...known, [codebase]: revision }, "Git");
}
