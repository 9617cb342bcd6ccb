import { Results } from "@multimaster/core";
import { defineStep, type StepEnd } from "../define-step.ts";
import { listCandidates } from "../git/ref-names.ts";
import type { StepContext } from "../step-context.ts";
import { applyPatch } from "./git/apply-patch.ts";
import { describeCommit } from "./git/describe-commit.ts";
import { checkWanted, findTarget, listRefs, type Wanted } from "./git/find-target.ts";
import { GitFailed } from "./git/git-failed.ts";
import { findClash, type GitOptions, gitOptions, warningsOfGit } from "./git/git-options.ts";
import { checkGit } from "./git/git-version.ts";
import { type Checkout, GitWorkspace } from "./git/git-workspace.ts";
import { fetchBase } from "./git/merge-into.ts";
import { Mirror } from "./git/mirror.ts";
import { askForBranches, askForRefs, type RemoteRefs } from "./git/remote-refs.ts";
import { SourceFetcher } from "./git/source-fetcher.ts";
import { verifySignatures } from "./git/verify-signature.ts";
import { setSourceProperty } from "./source/set-source-property.ts";

/**
 * Updates a git repository on the worker to the build's branch and revision, and applies the patch of a try; sets the property
 * `got_revision`.
 */
export default defineStep({
  type: "git",
  options: gitOptions,
  rules: { haltOnFailure: true },
  warnings: warningsOfGit,
  async run(ctx, options): Promise<StepEnd> {
    // Another repository than the one that the build is about: its source stamp does not matter.
    const stamp = options.alwaysUseLatest ? undefined : ctx.source(options.codebase);
    const branch = stamp?.branch || options.branch;
    if (options.description === undefined) ctx.setState(`updating ${branch}`);
    let workspace: GitWorkspace | undefined;
    try {
      const clash = findClash(options);
      if (clash !== undefined) throw new GitFailed(`${clash.path.join(".")} ${clash.sentence}`, "request");
      const patch = ctx.build.sources.find((source) => source === stamp)?.patch ?? null;
      const revision = stamp?.revision || undefined;
      const wanted = { branch, revision, mustBeOnBranch: options.revisionMustBeOnBranch, isTried: patch !== null };
      checkWanted(wanted);
      workspace = new GitWorkspace(ctx, options);
      const got = await checkOut(workspace, options, wanted);
      await setProperties(ctx, workspace, options, got);
      if (patch !== null) await applyPatch(workspace.git, patch);
      await workspace.publish();
      const merged = options.mergeInto === undefined ? "" : ` into ${options.mergeInto}`;
      const summary = `update ${branch} ${got.target.slice(0, 10)}${merged}${patch === null ? "" : " with a patch"}`;
      return { results: Results.SUCCESS, summary };
    } catch (error) {
      // A stopped program may have had no time to remove its keys.
      if (ctx.signal.aborted) await workspace?.git.close();
      if (!(error instanceof GitFailed)) throw error;
      return { results: Results.FAILURE, summary: `update ${branch}`, reason: error.message };
    }
  },
});

async function setProperties(ctx: StepContext, { git }: GitWorkspace, options: GitOptions, got: Checkout) {
  const { codebase, getDescription } = options;
  if (options.gotRevision) setSourceProperty(ctx, "got_revision", codebase, got.target, "Git");
  if (got.base !== undefined) setSourceProperty(ctx, "got_base_revision", codebase, got.base.head, "Git");
  if (getDescription === false) return;
  const text = await describeCommit(git, got.target, getDescription);
  if (text !== undefined) setSourceProperty(ctx, "commit-description", codebase, text, "Git");
}

/** Resolves to what is now checked out. */
async function checkOut(workspace: GitWorkspace, options: GitOptions, asked: Wanted): Promise<Checkout> {
  // What a step that was killed left of its keys.
  await workspace.git.close();
  await workspace.restore();
  // If git has read the repository, it is installed.
  await checkGit(workspace.git, options, workspace.format !== undefined);
  const { mergeInto } = options;
  const refsOfBase = mergeInto === undefined ? [] : listCandidates(mergeInto);
  const listed = await askForRefs(workspace.git, [...listRefs(asked), ...refsOfBase]);
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

async function update(
  workspace: GitWorkspace,
  options: GitOptions,
  wanted: Wanted,
  refs: RemoteRefs,
): Promise<Checkout> {
  const { git } = workspace;
  const { mergeInto, verify } = options;
  const mirror = options.mirror ? new Mirror(git, workspace.format ?? "sha1") : undefined;
  const source = new SourceFetcher(git, options, mirror);
  const target = await findTarget(wanted, refs, source);
  const base =
    mergeInto === undefined ? undefined : { name: mergeInto, head: await fetchBase(mergeInto, refs, source) };
  if (options.getDescription !== false) await source.fetchTags();
  if (verify !== undefined) await verifySignatures(git, [target, ...(base === undefined ? [] : [base.head])], verify);
  const checkout = { target, branch: wanted.branch, base };
  await workspace.checkout(checkout);
  return checkout;
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
