import type { RenderContext } from "@multimaster/config";
import git from "@multimaster/plugins/steps/git";
import hg from "@multimaster/plugins/steps/hg";
import svn from "@multimaster/plugins/steps/svn";

/** Properties of the force form say where the repositories are. */
const address = (name: string) => (build: RenderContext) =>
  String(build.property(name) ?? "https://repositories.example");

/** Checks out sources from git, Subversion and Mercurial, each in a directory of its own. */
export const sourceSteps = [
  git({ repourl: address("git"), branch: "main", mirror: true, getDescription: true }),
  git({
    name: "merge",
    repourl: address("git"),
    branch: "topic",
    alwaysUseLatest: true,
    mergeInto: "main",
    gotRevision: false,
    mode: "full",
    method: "copy",
    workdir: "merged",
  }),
  git({
    name: "tools",
    repourl: address("git"),
    branch: "tools",
    codebase: "tools",
    filter: "blob:none",
    sparse: ["bin"],
    silent: true,
    workdir: "tools",
  }),
  svn({
    repourl: address("svn"),
    branch: "trunk",
    codebase: "svn",
    gotRevision: false,
    workdir: "svn",
  }),
  hg({ repourl: address("hg"), gotRevision: false, codebase: "hg", workdir: "hg", mode: "full" }),
];
