import { z } from "zod";
import { isSvnPath, svnCredentials, svnUrl } from "../../svn/svn-url.ts";
import { sourceShape } from "../source/worker-program.ts";

/** The options of the step `svn`. */
export const svnOptions = z.object({
  repourl: svnUrl.describe("Address of the repository, or of the directory in it below which the branches are."),
  branch: z
    .string()
    .refine((path) => path === "" || isSvnPath(path), "must be a directory of the repository, such as branches/1.x")
    .default("")
    .describe("Directory below `repourl` if the source stamp names no branch, such as trunk."),
  ...sourceShape,
  mode: z
    .enum(["incremental", "full"])
    .default("incremental")
    .describe("full: removes everything that the previous build left."),
  method: z
    .enum(["clean", "fresh", "clobber", "copy", "export"])
    .default("fresh")
    .describe(
      "Method of mode full: clean keeps ignored files, fresh removes them too, clobber checks out again, copy and export update a directory of their own (`source`) and copy it, export without Subversion's own files.",
    ),
  depth: z.enum(["infinity", "immediates", "files", "empty"]).default("infinity").describe("How deep it checks out."),
  externals: z
    .boolean()
    .optional()
    .describe(
      "Whether to check out what `svn:externals` names, too; default: only without `credentials`. Svn offers those to the hosts of externals as well, which anyone who may commit names.",
    ),
  preferLastChangedRev: z
    .boolean()
    .default(false)
    .describe("`got_revision` is the last revision that changed something there."),
  credentials: svnCredentials,
});

export type SvnOptions = z.output<typeof svnOptions>;
