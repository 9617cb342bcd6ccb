import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Results } from "@multimaster/core";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { createGitRepository } from "../../harness/git-repository.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";

describe("the git step", () => {
  const localGit = { config: { "protocol.file.allow": "always" } };
  const worktree = (engine: Engine) => join(engine.directory, "workers/w1/b/build");
  const read = (engine: Engine, file: string) => readFileSync(join(worktree(engine), file), "utf8");

  async function runGit(engine: Engine, stamp: { branch?: string | null; revision?: string | null } = {}) {
    const request = await engine.submit("b", {
      sourceStamps: [{ branch: null, revision: null, repository: "", project: "", codebase: "", ...stamp }],
    });
    const [build] = await engine.finished(request);
    const properties = await engine.properties(build?.buildid as number);
    const step = (await engine.stepsOf(build?.buildid as number))[1];
    return { results: build?.results, state: build?.state_string, got: properties["got_revision"], step };
  }

  it("checks out nothing in particular, a branch, a revision, and one that has left its branch", async () => {
    const repository = createGitRepository({ files: { f: "1" } });
    const first = repository.revision();
    const second = repository.commit({ files: { f: "2" } });
    const other = repository.commit({ files: { f: "other" }, branch: "side" });
    const engine = await startEngine({ b: [git({ repourl: repository.url, revisionMustBeOnBranch: false })] });

    expect(await runGit(engine)).toMatchObject({
      results: 0,
      got: [second, "Git"],
      step: { state_string: `update HEAD ${second.slice(0, 10)}` },
    });
    expect(read(engine, "f")).toBe("2");
    expect(await runGit(engine, { branch: "side" })).toMatchObject({ results: 0, got: [other, "Git"] });
    expect(await runGit(engine, { branch: "main", revision: first })).toMatchObject({
      results: 0,
      got: [first, "Git"],
    });
    expect(read(engine, "f")).toBe("1");
    const lost = repository.commit({ files: { f: "lost" }, branch: "side" });
    repository.forcePush("side", "side~1");
    repository.git("push", "--quiet", "origin", `${lost}:refs/heads/kept`);
    expect(await runGit(engine, { branch: "side", revision: lost })).toMatchObject({ results: 0, got: [lost, "Git"] });
    expect(await runGit(engine, { branch: "main", revision: "f".repeat(40) })).toMatchObject({
      results: 2,
      state: `failed update main (the repository has no revision ${"f".repeat(40)})`,
    });
    expect(await runGit(engine, { branch: "--upload-pack=touch x" })).toMatchObject({ results: 2 });
  });

  it("works on the code of pull requests in a directory of its own", async () => {
    const repository = createGitRepository();
    repository.git("push", "--quiet", "origin", "main:refs/pull/9/head");
    const engine = await startEngine({ b: [git({ repourl: repository.url })] });
    expect(await runGit(engine, { branch: "refs/pull/9/head" })).toMatchObject({ results: 0 });
    expect(existsSync(join(engine.directory, "workers/w1/b~forks/build/README.md"))).toBe(true);
    expect(existsSync(worktree(engine))).toBe(false);
  });

  it("keeps what lies about in mode incremental, and removes it in mode full", async () => {
    const repository = createGitRepository({ files: { ".gitignore": "ignored\n" } });
    const litter = (engine: Engine) => {
      for (const name of ["ignored", "untracked"]) writeFileSync(join(worktree(engine), name), "x");
    };
    const left = (engine: Engine) =>
      ["ignored", "untracked"].filter((name) => existsSync(join(worktree(engine), name)));
    const cases = [
      [git({ repourl: repository.url }), ["ignored", "untracked"]],
      [git({ repourl: repository.url, mode: "full", method: "clean" }), ["ignored"]],
      [git({ repourl: repository.url, mode: "full" }), []],
      [git({ repourl: repository.url, mode: "full", method: "clobber" }), []],
    ] as const;
    for (const [step, expected] of cases) {
      const engine = await startEngine({ b: [step] });
      expect(await runGit(engine)).toMatchObject({ results: 0 });
      litter(engine);
      expect(await runGit(engine)).toMatchObject({ results: 0 });
      expect(left(engine)).toEqual(expected);
    }
  });

  it("fetches one commit when shallow, even for an older revision", async () => {
    const repository = createGitRepository();
    const old = repository.revision();
    repository.commit();
    const newest = repository.commit();
    const engine = await startEngine({ b: [git({ repourl: repository.url, shallow: true })] });
    expect(await runGit(engine, { branch: "main" })).toMatchObject({ results: 0, got: [newest, "Git"] });
    expect(execFileSync("git", ["rev-list", "--count", "HEAD"], { cwd: worktree(engine), encoding: "utf8" })).toBe(
      "1\n",
    );
    expect(await runGit(engine, { branch: "main", revision: old })).toMatchObject({ results: 0, got: [old, "Git"] });
  });

  it("brings submodules along", async () => {
    const library = createGitRepository({ files: { lib: "library" } });
    const repository = createGitRepository();
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "--quiet", library.url, "lib");
    repository.commit({ message: "Add a submodule" });
    const engine = await startEngine({
      b: [git({ repourl: repository.url, submodules: true, mode: "full", ...localGit })],
    });
    expect(await runGit(engine)).toMatchObject({ results: 0 });
    expect(read(engine, "lib/lib")).toBe("library");
    expect(await runGit(engine)).toMatchObject({ results: 0 });
  });

  it("begins again where the directory is broken, and never touches a repository around it", async () => {
    const repository = createGitRepository({ files: { f: "1" } });
    const directory = temporaryDirectory("around");
    execFileSync("git", ["init", "--quiet", directory]);
    writeFileSync(join(directory, "mine"), "precious");
    const engine = await startEngine({ b: [git({ repourl: repository.url, mode: "full" })] }, { directory });
    mkdirSync(worktree(engine), { recursive: true });
    writeFileSync(join(worktree(engine), "rubbish"), "x");
    expect(await runGit(engine)).toMatchObject({ results: 0 });
    expect(existsSync(join(worktree(engine), "rubbish"))).toBe(false);

    rmSync(join(worktree(engine), ".git/HEAD"));
    expect(await runGit(engine)).toMatchObject({ results: 0 });
    writeFileSync(join(worktree(engine), ".git/index.lock"), "");
    expect(await runGit(engine)).toMatchObject({ results: 0 });
    expect(readFileSync(join(directory, "mine"), "utf8")).toBe("precious");
    expect(existsSync(join(directory, ".git/FETCH_HEAD"))).toBe(false);
  });

  it("tries again when the repository cannot be reached, then fails and halts the build", async () => {
    const nowhere = join(temporaryDirectory(), "nowhere");
    const engine = await startEngine({
      b: [git({ repourl: nowhere, retry: { delay: "10ms", times: 2 } }), shell({ command: "true" })],
    });
    const { results, state, step } = await runGit(engine);
    expect(results).toBe(Results.FAILURE);
    expect(state).toMatch(/^failed update HEAD \(git fetch failed: .+\)$/);
    const text = await engine.logText(step?.stepid as number, "stdio");
    expect(text.match(/; retrying in/g)).toHaveLength(2);
  });

  it("uses the newest commit if its options ignore the revision", async () => {
    const repository = createGitRepository();
    const old = repository.revision();
    const newest = repository.commit();
    const engine = await startEngine({ b: [git({ repourl: repository.url, alwaysUseLatest: true })] });
    expect(await runGit(engine, { branch: "main", revision: old })).toMatchObject({ results: 0, got: [newest, "Git"] });
  });
});
