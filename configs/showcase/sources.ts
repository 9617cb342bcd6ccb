import { type RenderContext, secret } from "@multimaster/config";
import git from "@multimaster/plugins/steps/git";
import hg from "@multimaster/plugins/steps/hg";
import svn from "@multimaster/plugins/steps/svn";

/** Properties of the force form say where the repositories are, and who signs. */
const text = (name: string, otherwise: string) => (build: RenderContext) => String(build.property(name) ?? otherwise);
const address = (name: string) => text(name, "https://repositories.example");

/** What the servers ask for. */
const credentials = { username: "ci", password: secret("password") };
const patient = { retry: { delay: "1s", times: 1 }, timeout: "5m" } as const;

/** Checks out sources from git, Subversion and Mercurial, each in a directory of its own. */
export const sourceSteps = [
  git({
    repourl: address("git"),
    branch: "main",
    revisionMustBeOnBranch: true,
    mirror: true,
    tags: true,
    getDescription: {
      match: "v*",
      exclude: "*-rc*",
      abbrev: 7,
      candidates: 5,
      lightweight: true,
      firstParent: true,
      long: true,
      always: true,
    },
    env: { GIT_TRACE: null },
    config: { "core.autocrlf": "false" },
    ...patient,
  }),
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
    verify: { allowedSigners: text("signers", "# no one") },
  }),
  git({
    name: "signed",
    repourl: address("git"),
    branch: "signed",
    codebase: "signed",
    workdir: "signed",
    verify: { keys: [text("ssh-key", "ssh-ed25519 AAAA")], gpgKeys: [text("gpg-key", "")] },
  }),
  // From a server that asks for a password; its submodules are at the same host.
  git({
    name: "large",
    repourl: address("git-http"),
    credentials,
    codebase: "large",
    workdir: "large",
    lfs: true,
    shallow: 1,
    submodules: true,
    remoteSubmodules: true,
  }),
  git({
    name: "with a key",
    repourl: address("git-ssh"),
    sshPrivateKey: secret("deploy-key"),
    sshKnownHosts: text("known-hosts", "# none"),
    codebase: "keys",
    workdir: "keys",
  }),
  svn({
    repourl: address("svn"),
    branch: "trunk",
    codebase: "svn",
    alwaysUseLatest: true,
    gotRevision: false,
    preferLastChangedRev: true,
    workdir: "svn",
    mode: "full",
    method: "export",
    depth: "infinity",
    externals: false,
    credentials,
    silent: true,
    env: { LC_ALL: "C.UTF-8" },
    ...patient,
  }),
  hg({
    repourl: address("hg"),
    branch: "default",
    branchType: "inrepo",
    gotRevision: false,
    codebase: "hg",
    workdir: "hg",
    mode: "full",
    method: "clean",
    credentials,
  }),
];
