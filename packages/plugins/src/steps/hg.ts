import { Results } from "@multimaster/core";
import { defineStep, type StepEnd } from "../define-step.ts";
import { isHgName } from "../hg/hg-names.ts";
import { isSvnPath } from "../svn/svn-url.ts";
import { applyHgPatch } from "./hg/apply-patch.ts";
import { hgOptions } from "./hg/hg-options.ts";
import { HgWorkspace } from "./hg/hg-workspace.ts";
import { setSourceProperty } from "./source/set-source-property.ts";
import { SourceFailed } from "./source/worker-program.ts";

/** Updates a Mercurial repository to the build's branch and revision, and applies the patch of a try; sets `got_revision`. */
export default defineStep({
  type: "hg",
  options: hgOptions,
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
