import { z } from "zod";
import { hgCredentials, hgUrl, isHgName } from "../../hg/hg-names.ts";
import { sourceShape } from "../source/worker-program.ts";

/** The options of the step `hg`. */
export const hgOptions = z.object({
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

export type HgOptions = z.output<typeof hgOptions>;
