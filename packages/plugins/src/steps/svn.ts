import { Results } from "@multimaster/core";
import { defineStep, type StepEnd } from "../define-step.ts";
import { isSvnPath, joinSvnUrl } from "../svn/svn-url.ts";
import { setSourceProperty } from "./source/set-source-property.ts";
import { SourceFailed } from "./source/worker-program.ts";
import { applySvnPatch } from "./svn/apply-patch.ts";
import { svnOptions } from "./svn/svn-options.ts";
import { SvnWorkspace } from "./svn/svn-workspace.ts";

/** Updates a Subversion working copy to the build's branch and revision, and applies the patch of a try; sets `got_revision`. */
export default defineStep({
  type: "svn",
  options: svnOptions,
  rules: { haltOnFailure: true },
  warnings: ({ credentials, externals, mode, method }) => [
    ...(typeof (credentials as { password?: unknown } | undefined)?.password === "string"
      ? [{ path: ["credentials", "password"], sentence: "every reader of the config gets it; use secret(…)" }]
      : []),
    ...(credentials !== undefined && externals === true
      ? [{ path: ["externals"], sentence: "anyone who may commit can name a host that svn offers the credentials to" }]
      : []),
    ...(mode !== "full" && typeof mode !== "function" && (method === "copy" || method === "export")
      ? [{ path: ["method"], sentence: `${method} needs mode: "full"` }]
      : []),
  ],
  async run(ctx, options): Promise<StepEnd> {
    const stamp = options.alwaysUseLatest ? undefined : ctx.source(options.codebase);
    const branch = stamp?.branch || options.branch;
    const what = `update ${branch || "sources"}`;
    ctx.setState(options.description ?? what);
    try {
      const target = {
        url: joinSvnUrl(options.repourl, checkBranch(branch)),
        revision: checkRevision(stamp?.revision),
      };
      if (options.mode !== "full" && (options.method === "copy" || options.method === "export"))
        throw new SourceFailed(`method ${options.method} needs mode: "full"`);
      const workspace = new SvnWorkspace(ctx, options);
      const got = await workspace.update(target);
      if (options.gotRevision) setSourceProperty(ctx, "got_revision", options.codebase, got, "SVN");
      const patch = ctx.build.sources.find((source) => source === stamp)?.patch ?? null;
      if (patch !== null) await applySvnPatch(workspace.svn, patch);
      await workspace.publish();
      return { results: Results.SUCCESS, summary: `${what} r${got}${patch === null ? "" : " with a patch"}` };
    } catch (error) {
      if (!(error instanceof SourceFailed)) throw error;
      return { results: Results.FAILURE, summary: what, reason: error.message };
    }
  },
});

function checkBranch(branch: string): string {
  if (branch === "" || isSvnPath(branch)) return branch;
  throw new SourceFailed(`the branch ${JSON.stringify(branch.slice(0, 200))} is not a directory's name`);
}

function checkRevision(revision: string | null | undefined): string {
  if (!revision) return "HEAD";
  if (/^\d{1,10}$/.test(revision) || revision === "HEAD") return revision;
  throw new SourceFailed(`the revision ${JSON.stringify(revision.slice(0, 200))} is not a number`);
}
