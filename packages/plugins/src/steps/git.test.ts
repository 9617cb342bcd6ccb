import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Results } from "@multimaster/core";
import { beforeAll, describe, expect, it } from "vitest";
import {
  createGitRepository,
  isolatedGitEnvironment,
  type TestGitRepository,
} from "../../../../test/harness/git-repository.ts";
import { createLocalStep } from "../../../../test/harness/local-step-context.ts";
import { temporaryDirectory } from "../../../../test/harness/temporary-directory.ts";
import gitPoller from "../change-sources/git-poller.ts";
import type { StepDefinition } from "../define-step.ts";
import git from "./git.ts";

type Options = Omit<Parameters<typeof git>[0], "repourl"> & { repourl?: string };

let repository: TestGitRepository;
/** Commits by what they are. */
const at: Record<string, string> = {};
const long = "и".repeat(53);

beforeAll(() => {
  repository = createGitRepository({ files: { f: "first", ".gitattributes": "f filter=evil\n" } });
  const push = (from: string, to: string) => repository.git("push", "--quiet", "--force", "origin", `${from}:${to}`);
  at["first"] = repository.revision();
  at["feature"] = repository.commit({ branch: "feature", files: { feature: "1" } });
  repository.git("checkout", "--quiet", "main");
  repository.git("merge", "--quiet", "--no-ff", "-m", "merge feature", "feature");
  repository.git("push", "--quiet", "origin", "main");
  repository.deleteBranch("feature");
  at["main"] = repository.commit({ files: { f: "main" } });
  at["side"] = repository.commit({ branch: "side", files: { f: "side" } });
  at["v1"] = repository.commit({ branch: "v1", files: { f: "branch v1" } });
  push(at["first"], "refs/tags/v1");
  push(at["first"], "refs/tags/release");
  // A fork's commit, which only the ref of its pull request has.
  repository.git("checkout", "--quiet", "-b", "fork", "main~1");
  writeFileSync(join(repository.path, "..", "clone", "evil"), "evil");
  repository.git("add", "evil");
  repository.git("commit", "--quiet", "-m", "evil");
  at["fork"] = repository.git("rev-parse", "HEAD");
  push("HEAD", "refs/pull/9/head");
  repository.git("checkout", "--quiet", "--detach", "main");
  repository.git("merge", "--quiet", "--no-ff", "-m", "merge 9", "fork");
  at["merge"] = repository.git("rev-parse", "HEAD");
  push("HEAD", "refs/pull/9/merge");
  repository.git("branch", "-D", "fork");
  // Names that mean something else in git's grammar.
  for (const name of [at["main"], at["main"].slice(0, 8), "+plus", long, "feature/🦆", "straße", "refs/heads/absent"])
    push(at["side"], `refs/heads/${name}`);
});

/** Runs the step; resolves to the commit that it checked out, or to its reason. */
async function run(
  directory: string,
  stamp: { branch?: string | null; revision?: string | null },
  options: Options = {},
) {
  const { ctx, trace } = createLocalStep(directory, stamp);
  const { plugin, options: given } = git({ repourl: repository.url, ...options });
  const end = await (plugin as StepDefinition).run(ctx, given as Record<string, unknown>);
  const got = trace.properties.get("got_revision");
  expect(end.results).toBe(got === undefined ? Results.FAILURE : Results.SUCCESS);
  return { got: got as string | undefined, reason: end.reason, trace };
}

function nameOf(hash: string | undefined): string | undefined {
  return Object.keys(at).find((name) => at[name] === hash) ?? hash;
}

const inWorkspace = (directory: string, ...args: string[]) =>
  execFileSync("git", args, {
    cwd: join(directory, "build"),
    env: isolatedGitEnvironment(directory),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();

describe("what a git step checks out", () => {
  const directory = temporaryDirectory("git-step");
  const h = (name: string) => () => at[name] as string;
  const short = (name: string) => () => (at[name] as string).slice(0, 8);
  const text = (name: string) => () => name;
  const none = () => null;
  const cases: [branch: () => string | null, revision: () => string | null, expected: string | RegExp, Options?][] = [
    [none, none, "main"],
    [none, h("side"), "side"],
    [none, h("first"), "first"],
    [none, h("fork"), /is not on HEAD$/],
    [text("main"), none, "main"],
    [text("main"), h("first"), "first"],
    [text("main"), h("feature"), "feature"],
    [text("main"), h("side"), /^the revision [0-9a-f]{40} is not on branch main$/],
    [text("main"), h("fork"), /is not on branch main$/],
    [text("main"), h("fork"), "fork", { revisionMustBeOnBranch: false }],
    [text("main"), h("fork"), /is not on branch main$/, { shallow: true }],
    [text("main"), h("first"), "first", { shallow: true }],
    [text("main"), h("merge"), /is not on branch main$/],
    // There is a branch of that very name, with another commit.
    [text("main"), h("main"), "main"],
    [text("main"), short("main"), "main"],
    [text("main"), short("first"), "first"],
    [text("main"), short("side"), /^the repository has no revision/],
    [text("main"), text("release"), "first"],
    [text("main"), text("refs/tags/v1"), "first"],
    [text("main"), text("v1"), /^the revision v1 is a tag and a branch/],
    [text("main"), text("main~1"), /is not a valid name for git$/],
    [text("main"), text("0".repeat(40)), /^the repository has no revision 0+$/],
    [text("v1"), none, "v1"],
    [text("refs/tags/v1"), none, "first"],
    [text("release"), none, "first"],
    [text("release"), h("first"), "first"],
    [text("release"), h("fork"), /no other branch has the revision/],
    // Deleted after its merge.
    [text("feature"), h("feature"), "feature"],
    [text("feature"), h("fork"), /^the repository has no branch feature, and no other branch has the revision/],
    [text("feature"), none, "the repository has no branch feature"],
    [text("refs/heads/feature"), h("feature"), "feature"],
    [text("absent"), none, "the repository has no branch absent"],
    [text("+plus"), none, "side"],
    [() => at["main"] as string, none, "side"],
    [text(long), none, "side"],
    [text("feature/🦆"), none, "side"],
    [text("straße"), h("first"), "first"],
    [text("refs/pull/9/head"), none, "fork"],
    [text("refs/pull/9/head"), h("fork"), "fork"],
    [text("refs/pull/9/merge"), none, "merge"],
    [text("refs/pull/9/merge"), h("fork"), "merge"],
    [text("refs/pull/9/merge"), short("fork"), "merge"],
    [text("refs/pull/9/merge"), h("fork"), "merge", { shallow: true }],
    [
      text("refs/pull/9/merge"),
      h("side"),
      /^refs\/pull\/9\/merge is stale: [0-9a-f]{10} is not a merge of [0-9a-f]{40}/,
    ],
    // A pull request of which the forge makes no ref, and whose commit it names by its beginning.
    [text("refs/pull-requests/7/from"), h("side"), "side"],
    [text("refs/pull-requests/7/from"), short("side"), "side"],
    [
      text("refs/pull-requests/7/from"),
      short("fork"),
      /^the repository has no refs\/pull-requests\/7\/from, and no branch/,
    ],
    [text("refs/pull-requests/7/from"), none, "the repository has no refs/pull-requests/7/from"],
    [text("absent"), short("side"), "the repository has no branch absent"],
    [text("refs/pull/9/head:refs/heads/x"), none, /is not a valid name for git$/],
    [text("+refs/pull/9/head"), none, /has no branch/],
    [text("--upload-pack=touch x"), none, /is not a valid name for git$/],
    [text("main"), text("--help"), /is not a valid name for git$/],
    ...["a..b", "a b", "x^", "x?", "x*", "[x", "a\\b", "@{1}", "@", "x.lock", ".x", "a//b", "/a", "a/", "a\u0000b"].map(
      (name): [() => string, () => null, RegExp] => [text(name), none, /is not a valid name for git$/],
    ),
  ];

  it("is right for every kind of branch with every kind of revision", { timeout: 240_000 }, async () => {
    const found: unknown[] = [];
    for (const [branch, revision, , options] of cases) {
      const { got, reason } = await run(directory, { branch: branch(), revision: revision() }, options);
      found.push(got === undefined ? reason : nameOf(got));
    }
    const wanted = cases.map(([, , expected], i) =>
      typeof expected === "string" || expected.test(String(found[i])) ? expected : `${expected}`,
    );
    expect(found.map((each, i) => (wanted[i] instanceof RegExp ? wanted[i] : each))).toEqual(wanted);
    expect(existsSync(join(directory, "build", "x"))).toBe(false);
  });

  it("follows a branch whose name becomes a directory, without a new clone", async () => {
    const own = temporaryDirectory("git-step");
    repository.git("push", "--quiet", "origin", `${at["side"]}:refs/heads/topic`);
    expect((await run(own, { branch: "topic" })).got).toBe(at["side"]);
    writeFileSync(join(own, "build", "kept"), "1");
    repository.git("push", "--quiet", "origin", ":refs/heads/topic", `${at["v1"]}:refs/heads/topic/x`);
    expect((await run(own, { branch: "topic/x" })).got).toBe(at["v1"]);
    expect(existsSync(join(own, "build", "kept"))).toBe(true);
    expect(inWorkspace(own, "symbolic-ref", "HEAD")).toBe("refs/heads/topic/x");
    repository.git("push", "--quiet", "origin", ":refs/heads/topic/x");
  });

  it("is what a tag means now, not what it meant before", async () => {
    const own = temporaryDirectory("git-step");
    repository.git("push", "--quiet", "origin", `${at["first"]}:refs/tags/moving`);
    expect(nameOf((await run(own, { branch: "main", revision: "moving" })).got)).toBe("first");
    repository.git("push", "--quiet", "--force", "origin", `${at["feature"]}:refs/tags/moving`);
    expect(nameOf((await run(own, { branch: "main", revision: "moving" })).got)).toBe("feature");
    expect(nameOf((await run(own, { branch: "moving" })).got)).toBe("feature");
  });

  it("is right in a repository whose names are SHA-256", async () => {
    const own = temporaryDirectory("git-step");
    const far = join(own, "far");
    const inFar = (...args: string[]) =>
      execFileSync("git", args, { cwd: far, env: isolatedGitEnvironment(own), encoding: "utf8" }).trim();
    execFileSync("git", ["init", "--quiet", "--object-format=sha256", "--initial-branch=main", far]);
    for (const message of ["one", "two"]) inFar("commit", "--quiet", "--allow-empty", "-m", message);
    const [first, second] = [inFar("rev-parse", "HEAD~1"), inFar("rev-parse", "HEAD")];
    // The directory holds a repository of the other kind.
    expect((await run(own, {})).got).toBe(at["main"]);
    for (const [stamp, expected] of [
      [{}, second],
      [{ branch: "main", revision: first }, first],
      [{ branch: "main", revision: first.slice(0, 40) }, first],
    ] as const)
      expect((await run(own, stamp, { repourl: far })).got).toBe(expected);
  });

  it("is the only branch where HEAD leads nowhere; with several the reason names them", async () => {
    const own = temporaryDirectory("git-step");
    const far = join(own, "far.git");
    execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=master", far]);
    expect((await run(own, {}, { repourl: far })).reason).toBe("the repository has no branches");
    repository.git("push", "--quiet", far, `${at["side"]}:refs/heads/only`);
    expect(nameOf((await run(own, {}, { repourl: far })).got)).toBe("side");
    repository.git("push", "--quiet", far, `${at["first"]}:refs/heads/other`);
    expect((await run(own, {}, { repourl: far })).reason).toMatch(/is not there; say which to build: only, other$/);
  });
});

describe("a git step", () => {
  it("says which directory belongs to another user and what to do", async () => {
    const env = { GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" };
    const { reason } = await run(temporaryDirectory("git-step"), {}, { repourl: repository.path, env });
    expect(reason).toBe(
      `git fetch failed: ${repository.path} belongs to another user; if it is to be trusted: git config --global --add safe.directory ${repository.path}`,
    );
  });

  it("warns of a URL with a password in it, as the poller does", () => {
    const url = "https://ci:token@example.org/r.git";
    const step = git({ repourl: url });
    const source = gitPoller({ repository: url });
    for (const { plugin, options } of [step, source]) {
      const [warning] = plugin.warnings?.(options) ?? [];
      expect(warning?.sentence).toMatch(/^contains a password or token/);
      expect(JSON.stringify(warning)).not.toContain("token@");
    }
    expect(git({ repourl: () => url }).plugin.warnings?.({ repourl: () => url })).toEqual([]);
    expect(source.plugin.warnings?.({ repository: "https://example.org/r.git" })).toEqual([]);
  });
});

describe("a working directory that a stranger's build has left", () => {
  const evil = (directory: string) => `touch ${join(directory, "EVIL")}; cat`;
  const write = (directory: string, file: string, content: string) => {
    const path = join(directory, "build", file);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content, { mode: 0o755 });
  };
  const configure = (directory: string, ...settings: [string, string][]) => {
    for (const [name, value] of settings) inWorkspace(directory, "config", "--add", name, value);
  };
  const hostile: Record<string, (directory: string) => void> = {
    hooks(directory) {
      for (const name of ["post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc", "post-merge"])
        write(directory, `.git/hooks/${name}`, `#!/bin/sh\n${evil(directory)}\n`);
    },
    "hooks elsewhere"(directory) {
      write(directory, "own/post-checkout", `#!/bin/sh\n${evil(directory)}\n`);
      configure(directory, ["core.hooksPath", "own"]);
    },
    "programs in the configuration"(directory) {
      const names = ["core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.pager", "core.editor", "core.askPass"];
      configure(directory, ...names.map((name): [string, string] => [name, evil(directory)]));
      configure(directory, ["remote.origin.uploadpack", evil(directory)], ["credential.helper", `!${evil(directory)}`]);
      configure(directory, ["alias.fetch", `!${evil(directory)}`], ["diff.external", evil(directory)]);
    },
    filters(directory) {
      configure(directory, ["filter.evil.smudge", evil(directory)], ["filter.evil.clean", evil(directory)]);
      configure(directory, ["filter.evil.process", evil(directory)]);
      write(directory, ".git/info/attributes", "* filter=evil\n");
    },
    "an included file"(directory) {
      write(
        directory,
        "more",
        `[core]\n\tfsmonitor = "${evil(directory)}"\n[filter "evil"]\n\tsmudge = "${evil(directory)}"\n`,
      );
      configure(directory, ["include.path", join(directory, "build", "more")]);
    },
    "another repository's address"(directory) {
      configure(
        directory,
        [`url.ext::sh -c ${evil(directory)}.insteadOf`, "file://"],
        ["protocol.ext.allow", "always"],
      );
    },
    "another working directory"(directory) {
      mkdirSync(join(directory, "elsewhere"));
      configure(directory, ["core.worktree", join(directory, "elsewhere")]);
    },
    "a common directory"(directory) {
      inWorkspace(directory, "init", "--quiet", "--bare", join(directory, "common"));
      write(directory, ".git/commondir", `${join(directory, "common")}\n`);
    },
    "a file in place of the repository"(directory) {
      inWorkspace(directory, "clone", "--quiet", "--bare", repository.url, join(directory, "common"));
      rmSync(join(directory, "build", ".git"), { recursive: true });
      write(directory, ".git", `gitdir: ${join(directory, "common")}\n`);
    },
    "branches called like commits"(directory) {
      for (const name of [at["main"], "HEAD", "FETCH_HEAD", "main", "refs/heads/main"])
        inWorkspace(directory, "update-ref", `refs/heads/${name}`, at["side"] as string);
      inWorkspace(directory, "update-ref", `refs/${at["main"]}`, at["side"] as string);
    },
    "replaced objects"(directory) {
      inWorkspace(directory, "replace", at["main"] as string, at["side"] as string);
      write(directory, ".git/info/grafts", `${at["main"]} ${at["side"]}\n`);
    },
    "objects elsewhere"(directory) {
      write(directory, ".git/objects/info/alternates", `${join(directory, "nowhere")}\n`);
    },
    "files that seem unchanged"(directory) {
      inWorkspace(directory, "update-index", "--assume-unchanged", "feature");
      inWorkspace(directory, "update-index", "--skip-worktree", "feature");
      write(directory, "feature", "EVIL");
    },
    locks(directory) {
      for (const name of ["index", "config", "HEAD", "shallow", "packed-refs"])
        write(directory, `.git/${name}.lock`, "");
    },
    "a broken repository"(directory) {
      write(directory, ".git/HEAD", "");
      write(directory, ".git/config", "[broken");
    },
  };

  let template: string;
  beforeAll(async () => {
    template = temporaryDirectory("template");
    expect((await run(template, { branch: "side" }, { mode: "full" })).got).toBe(at["side"]);
  });

  it.each(Object.keys(hostile))("runs nothing of it and builds what it says: %s", async (name) => {
    const directory = temporaryDirectory("hostile");
    cpSync(template, directory, { recursive: true, preserveTimestamps: true });
    hostile[name]?.(directory);
    rmSync(join(directory, "EVIL"), { force: true });
    const { got } = await run(directory, { branch: "main", revision: at["main"] as string }, { mode: "full" });
    expect(got).toBe(at["main"]);
    expect(readFileSync(join(directory, "build", "f"), "utf8")).toBe("main");
    expect(readFileSync(join(directory, "build", "feature"), "utf8")).toBe("1");
    expect(existsSync(join(directory, "EVIL"))).toBe(false);
    const settings = inWorkspace(directory, "config", "--local", "--list", "--name-only").split("\n");
    expect(
      settings.filter(
        (setting) =>
          !/^(core\.(repositoryformatversion|filemode|bare|logallrefupdates)|remote\.origin\.url)$/.test(setting),
      ),
    ).toEqual([]);
  });

  it("has no file that git ignores, even if the rest of the directory is kept", async () => {
    const directory = temporaryDirectory("hostile");
    cpSync(template, directory, { recursive: true, preserveTimestamps: true });
    hostile["files that seem unchanged"]?.(directory);
    write(directory, "kept", "of the build before");
    expect((await run(directory, { branch: "main" })).got).toBe(at["main"]);
    expect(readFileSync(join(directory, "build", "feature"), "utf8")).toBe("1");
    expect(existsSync(join(directory, "build", "kept"))).toBe(true);
  });

  it("has no commit of its own that counts as one of the repository's", async () => {
    const directory = temporaryDirectory("hostile");
    cpSync(template, directory, { recursive: true, preserveTimestamps: true });
    const identity = ["-c", "user.name=e", "-c", "user.email=e@example.org"];
    const planted = inWorkspace(directory, ...identity, "commit-tree", "-m", "planted", "HEAD^{tree}");
    inWorkspace(directory, "update-ref", "refs/planted", planted);
    for (const copies of ["heads", "tags"])
      inWorkspace(directory, "symbolic-ref", `refs/multimaster/${copies}/aaa`, "refs/planted");
    expect((await run(directory, { revision: planted })).reason).toContain(`the revision ${planted} is not on HEAD`);
    expect((await run(directory, { branch: "gone", revision: planted })).reason).toContain("no other branch has");
    // What is there beside it is found all the same.
    expect((await run(directory, { branch: "gone", revision: at["feature"] as string })).got).toBe(at["feature"]);
  });
});

describe("a patch", () => {
  const patched = (body: string, more: object = {}) => {
    const patch = { patchid: 1, level: 1, subdir: null, author: "Ada", comment: "", ...more };
    return { patch, bytes: Buffer.from(body) };
  };
  const tried = async (directory: string, { patch, bytes }: ReturnType<typeof patched>, options: Options = {}) => {
    const { ctx, trace } = createLocalStep(directory, { revision: at["main"] as string, patch }, {}, bytes);
    const { plugin, options: given } = git({ repourl: repository.url, ...options });
    return { end: await (plugin as StepDefinition).run(ctx, given as Record<string, unknown>), trace };
  };
  const edit = (name: string, from: string, to: string) =>
    `diff --git a/${name} b/${name}\n--- a/${name}\n+++ b/${name}\n@@ -1 +1 @@\n-${from}\n\\ No newline at end of file\n+${to}\n`;
  const add = (name: string) =>
    `diff --git a/${name} b/${name}\nnew file mode 100644\n--- /dev/null\n+++ b/${name}\n@@ -0,0 +1 @@\n+added\n`;

  it("is applied to the revision, and gone with the next checkout", async () => {
    const directory = temporaryDirectory("git-patch");
    const { end, trace } = await tried(directory, patched(`${edit("f", "main", "tried")}${add("new/file")}`));
    expect([end, trace.properties.get("got_revision")]).toMatchObject([{ results: 0 }, at["main"]]);
    expect(end.summary).toMatch(/ with a patch$/);
    expect(readFileSync(join(directory, "build/f"), "utf8")).toBe("tried\n");
    expect(readFileSync(join(directory, "build/new/file"), "utf8")).toBe("added\n");
    expect(existsSync(join(directory, "build/.git/multimaster.patch"))).toBe(false);
    await run(directory, { revision: at["main"] as string });
    expect(readFileSync(join(directory, "build/f"), "utf8")).toBe("main");
    expect(existsSync(join(directory, "build/new/file"))).toBe(false);
    expect(inWorkspace(directory, "status", "--porcelain")).toBe("");
  });

  it("is applied in a directory and at a level of its own, whatever its name", async () => {
    const directory = temporaryDirectory("git-patch");
    const { end } = await tried(
      directory,
      patched(add("x/y").replaceAll("a/x/", "").replaceAll("b/x/", ""), { level: 0, subdir: "straße" }),
    );
    expect(end).toMatchObject({ results: 0 });
    expect(readFileSync(join(directory, "build/straße/y"), "utf8")).toBe("added\n");
  });

  it("that does not apply, or leads out of the directory, fails the step in a sentence", async () => {
    const reason = "the patch does not apply to what is checked out; the log says where";
    const directory = temporaryDirectory("git-patch");
    for (const body of [edit("f", "other", "tried"), "nothing\n", add("../outside"), add(".git/hooks/post-checkout")]) {
      const { end } = await tried(directory, patched(body));
      expect([body, end.results, end.reason]).toEqual([body, Results.FAILURE, reason]);
    }
    symlinkSync(directory, join(directory, "build/link"));
    expect((await tried(directory, patched(add("link/outside")))).end).toMatchObject({ results: Results.FAILURE });
    expect(existsSync(join(directory, "outside"))).toBe(false);
  });
});
