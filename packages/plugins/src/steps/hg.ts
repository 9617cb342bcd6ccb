import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import { hgCredentials, hgUrl, isHgName } from "../hg/hg-names.ts";
import { isSvnPath } from "../svn/svn-url.ts";
import { applyHgPatch } from "./hg/apply-patch.ts";
import { HgWorkspace } from "./hg/hg-workspace.ts";
import { setSourceProperty } from "./source/set-source-property.ts";
import { SourceFailed, sourceShape } from "./source/worker-program.ts";

const options = z.object({
  repourl: hgUrl.describe(
    "Address of the repository; with branchType dirname, of the directory that holds the branches.",
  ),
  branch: z
    .string()
    .refine(isHgName, 'must be a name: no ":", no space at its ends, no "-" at its beginning')
    .default("default")
    .describe("Branch or bookmark to build if the source stamp names none."),
  branchType: z
    .enum(["inrepo", "dirname"])
    .default("inrepo")
    .describe("inrepo: branches are named in the repository; dirname: each is a repository below `repourl`."),
  ...sourceShape,
  mode: z
    .enum(["incremental", "full"])
    .default("incremental")
    .describe("full: removes everything that the previous build left."),
  method: z
    .enum(["clean", "fresh", "clobber"])
    .default("fresh")
    .describe("Method of mode full: clean keeps ignored files, fresh removes them too, clobber clones again."),
  credentials: hgCredentials,
});

/** The options of the step `hg`. */
export type HgOptions = z.output<typeof options>;

/** Updates a Mercurial repository to the build's branch and revision, and applies the patch of a try; sets `got_revision`. */
export default defineStep({
  type: "hg",
  options,
  rules: { haltOnFailure: true },
  warnings: ({ credentials }) =>
    typeof (credentials as { password?: unknown } | undefined)?.password === "string"
      ? [{ path: ["credentials", "password"], sentence: "every reader of the config gets it; use secret(…)" }]
      : [],
  async run(ctx, options): Promise<StepEnd> {
    const stamp = options.alwaysUseLatest ? undefined : ctx.source(options.codebase);
    const branch = stamp?.branch || options.branch;
    const what = `update ${branch}`;
    ctx.setState(options.description ?? what);
    try {
      check(
        "branch",
        branch,
        options.branchType === "inrepo" ? isHgName(branch) : isHgName(branch) && isSvnPath(branch),
      );
      const revision = stamp?.revision || undefined;
      check("revision", revision ?? "", revision === undefined || /^[0-9a-f]{6,40}$/i.test(revision));
      const workspace = new HgWorkspace(ctx, options);
      const got = await workspace.update({ branch, revision, isAsked: Boolean(stamp?.branch) });
      if (options.gotRevision) setSourceProperty(ctx, "got_revision", options.codebase, got, "Mercurial");
      const patch = ctx.build.sources.find((source) => source === stamp)?.patch ?? null;
      if (patch !== null) await applyHgPatch(workspace.hg, patch);
      return {
        results: Results.SUCCESS,
        summary: `${what} ${got.slice(0, 12)}${patch === null ? "" : " with a patch"}`,
      };
    } catch (error) {
      if (!(error instanceof SourceFailed)) throw error;
      return { results: Results.FAILURE, summary: what, reason: error.message };
    }
  },
});

function check(what: string, text: string, isValid: boolean): void {
  if (isValid) return;
  throw new SourceFailed(`the ${what} ${JSON.stringify(text.slice(0, 200))} is not a valid name for Mercurial`);
}
