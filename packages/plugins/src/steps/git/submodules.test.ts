import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createGitRepository, type TestGitRepository } from "../../../../../test/harness/git-repository.ts";
import { createLocalStep } from "../../../../../test/harness/local-step-context.ts";
import { temporaryDirectory } from "../../../../../test/harness/temporary-directory.ts";
import type { StepDefinition } from "../../define-step.ts";
import git from "../git.ts";

let repository: TestGitRepository;
let template: string;

beforeAll(async () => {
  const allow = ["-c", "protocol.file.allow=always"];
  const inner = createGitRepository({ files: { inner: "inner" } });
  const library = createGitRepository({ files: { lib: "library", ".gitattributes": "lib filter=evil\n" } });
  library.git(...allow, "submodule", "add", "--quiet", inner.url, "deep/inner");
  library.commit();
  repository = createGitRepository({ files: { f: "1" } });
  repository.git(...allow, "submodule", "add", "--quiet", "--name", "a/name", library.url, "lib");
  repository.commit();
  template = temporaryDirectory("submodules");
  expect((await build(template)).end).toMatchObject({ results: 0 });
});

async function build(directory: string, more: Partial<Parameters<typeof git>[0]> = {}) {
  const { ctx, trace } = createLocalStep(directory);
  const config = { "protocol.file.allow": "always" };
  const { plugin, options } = git({ repourl: repository.url, submodules: true, config, ...more });
  return { end: await (plugin as StepDefinition).run(ctx, options as Record<string, unknown>), trace };
}

const evil = (directory: string) => `touch ${join(directory, "EVIL")}; cat`;
function write(directory: string, file: string, content: string): void {
  const path = join(directory, "build", file);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content, { mode: 0o755 });
}
function configure(directory: string, at: string, name: string): void {
  execFileSync("git", ["config", "--file", join(directory, "build", at, "config"), name, evil(directory)]);
}
/** A repository that a build put where the submodule is. */
function replaceLink(directory: string, link: string): string {
  const own = join(directory, "build", link);
  const module = link === "lib/.git" ? lib : `${lib}/modules/deep/inner`;
  rmSync(own, { recursive: true });
  cpSync(join(directory, "build", module), own, { recursive: true });
  execFileSync("git", ["config", "--file", join(own, "config"), "--unset", "core.worktree"]);
  write(directory, `${link}/info/attributes`, "* filter=evil\n");
  configure(directory, link, "filter.evil.smudge");
  configure(directory, link, "core.fsmonitor");
  return own;
}

const lib = ".git/modules/a/name";
const hostile: Record<string, (directory: string) => void> = {
  hooks(directory) {
    for (const at of [lib, `${lib}/modules/deep/inner`])
      write(directory, `${at}/hooks/post-checkout`, `#!/bin/sh\n${evil(directory)}`);
  },
  filters(directory) {
    configure(directory, lib, "filter.evil.smudge");
    configure(directory, lib, "filter.evil.clean");
  },
  "filters of the submodule's submodule"(directory) {
    configure(directory, `${lib}/modules/deep/inner`, "filter.evil.smudge");
    write(directory, `${lib}/modules/deep/inner/info/attributes`, "* filter=evil\n");
  },
  "programs in its configuration": (directory) => {
    for (const name of ["core.sshCommand", "core.fsmonitor", "submodule.deep/inner.update"])
      configure(directory, lib, name);
  },
  "a common directory": (directory) => {
    execFileSync("git", ["init", "--quiet", "--bare", join(directory, "common")]);
    execFileSync("git", ["config", "--file", join(directory, "common/config"), "filter.evil.smudge", evil(directory)]);
    write(directory, `${lib}/commondir`, join(directory, "common"));
  },
  "a repository in place of the link": (directory) => void replaceLink(directory, "lib/.git"),
  "a repository in place of the inner link": (directory) => void replaceLink(directory, "lib/deep/inner/.git"),
  "a link elsewhere": (directory) => {
    const own = replaceLink(directory, "lib/.git");
    cpSync(own, join(directory, "own"), { recursive: true });
    rmSync(own, { recursive: true });
    write(directory, "lib/.git", `gitdir: ${join(directory, "own")}\n`);
  },
};

describe("a submodule's repository that a stranger's build has left", () => {
  it.each(Object.keys(hostile))("runs nothing of it: %s", async (name) => {
    const directory = temporaryDirectory("submodules");
    cpSync(template, directory, { recursive: true, preserveTimestamps: true });
    hostile[name]?.(directory);
    // Something to be written again, so that filters have something to do.
    for (const file of ["lib/lib", "lib/deep/inner/inner"]) rmSync(join(directory, "build", file), { force: true });
    rmSync(join(directory, "EVIL"), { force: true });
    expect((await build(directory)).end).toMatchObject({ results: 0 });
    expect(existsSync(join(directory, "EVIL"))).toBe(false);
    expect(readFileSync(join(directory, "build/lib/lib"), "utf8")).toBe("library");
    expect(readFileSync(join(directory, "build/lib/deep/inner/inner"), "utf8")).toBe("inner");
  });

  it.each(["--skip-worktree", "--assume-unchanged"])("has no file that git ignores (%s)", async (flag) => {
    const directory = temporaryDirectory("submodules");
    cpSync(template, directory, { recursive: true, preserveTimestamps: true });
    for (const [at, file] of [
      ["build/lib", "lib"],
      ["build/lib/deep/inner", "inner"],
    ] as const) {
      execFileSync("git", ["update-index", flag, file], { cwd: join(directory, at) });
      writeFileSync(join(directory, at, file), "evil");
    }
    write(directory, "lib/left", "1");
    expect((await build(directory)).end).toMatchObject({ results: 0 });
    expect(readFileSync(join(directory, "build/lib/lib"), "utf8")).toBe("library");
    expect(readFileSync(join(directory, "build/lib/deep/inner/inner"), "utf8")).toBe("inner");
    expect(existsSync(join(directory, "build/lib/left"))).toBe(true);
  });

  it("is kept with its files where nothing is wrong with it", async () => {
    const directory = template;
    const files = ["build/lib/lib", "build/lib/deep/inner/inner"].map((file) => join(directory, file));
    const inodes = () => files.map((file) => statSync(file).ino);
    write(directory, "lib/left", "1");
    const before = inodes();
    const { end, trace } = await build(directory);
    expect(end).toMatchObject({ results: 0 });
    expect([inodes(), existsSync(join(directory, "build/lib/left"))]).toEqual([before, true]);
    expect(trace.log.join("\n")).not.toContain("Cloning");
  });
});
