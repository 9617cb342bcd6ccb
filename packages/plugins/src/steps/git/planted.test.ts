import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  createGitRepository,
  isolatedGitEnvironment,
  type TestGitRepository,
} from "../../../../../test/harness/git-repository.ts";
import { createLocalStep } from "../../../../../test/harness/local-step-context.ts";
import { temporaryDirectory } from "../../../../../test/harness/temporary-directory.ts";
import type { StepDefinition } from "../../define-step.ts";
import git from "../git.ts";

type Options = Partial<Parameters<typeof git>[0]>;

let repository: TestGitRepository;
let template: string;

beforeAll(async () => {
  repository = createGitRepository({ files: { f: "1", "directory/g": "1" } });
  template = temporaryDirectory("template");
  expect(await build(template)).toMatchObject({ results: 0 });
});

async function build(directory: string, more: Options = {}) {
  const { plugin, options } = git({ repourl: repository.url, ...more });
  return (plugin as StepDefinition).run(createLocalStep(directory).ctx, options as Record<string, unknown>);
}

function inDirectory(directory: string, ...args: string[]): string {
  const env = isolatedGitEnvironment(directory);
  return execFileSync("git", args, { cwd: join(directory, "build"), env, encoding: "utf8", stdio: "pipe" }).trim();
}

/** Settings with which git runs a program when it speaks to the repository. */
function configure(directory: string, file: string): void {
  const evil = `touch ${join(directory, "EVIL")}; git-upload-pack`;
  const set = (name: string, value: string) => execFileSync("git", ["config", "--file", file, name, value]);
  set(`remote.${repository.url}.uploadpack`, evil);
  set("remote.origin.uploadpack", evil);
}

const planted: Record<string, (directory: string) => void> = {
  "a repository": (directory) => configure(directory, join(directory, "build/.git/config")),
  "a link to a repository elsewhere"(directory) {
    const elsewhere = join(directory, "elsewhere");
    renameSync(join(directory, "build/.git"), elsewhere);
    configure(directory, join(elsewhere, "config"));
    writeFileSync(join(directory, "build/.git"), `gitdir: ${elsewhere}\n`);
  },
  "a repository whose objects are elsewhere"(directory) {
    const elsewhere = join(directory, "elsewhere");
    renameSync(join(directory, "build/.git"), elsewhere);
    configure(directory, join(elsewhere, "config"));
    mkdirSync(join(directory, "build/.git"));
    cpSync(join(elsewhere, "HEAD"), join(directory, "build/.git/HEAD"));
    writeFileSync(join(directory, "build/.git/commondir"), `${elsewhere}\n`);
  },
  "a directory that is a bare repository"(directory) {
    const own = join(directory, "build");
    rmSync(own, { recursive: true });
    execFileSync("git", ["init", "--quiet", "--bare", own]);
    configure(directory, join(own, "config"));
  },
  "a directory that is a link into a repository"(directory) {
    const elsewhere = join(directory, "elsewhere");
    renameSync(join(directory, "build"), elsewhere);
    configure(directory, join(elsewhere, ".git/config"));
    symlinkSync(join(elsewhere, "directory"), join(directory, "build"));
  },
  "objects that are missing and a program that brings them"(directory) {
    // A sparse index names whole directories, which git reads to list their files.
    inDirectory(directory, "status");
    inDirectory(directory, "sparse-checkout", "set", "--cone", "--sparse-index", "nothing");
    const tree = inDirectory(directory, "rev-parse", "HEAD:directory");
    rmSync(join(directory, "build/.git/objects", tree.slice(0, 2), tree.slice(2)));
    const config = join(directory, "build/.git/config");
    configure(directory, config);
    for (const [name, value] of [
      ["core.repositoryformatversion", "1"],
      ["extensions.partialclone", "origin"],
      ["remote.origin.promisor", "true"],
    ] as const)
      execFileSync("git", ["config", "--file", config, name, value]);
  },
};

describe("a directory that a stranger's build has left", () => {
  it.each(
    Object.keys(planted).flatMap((name) =>
      [{}, { mode: "full", method: "clobber" } as const].map((options) => ({ name, options })),
    ),
  )("runs no program: $name, $options", async ({ name, options }) => {
    const directory = temporaryDirectory("planted");
    cpSync(template, directory, { recursive: true, preserveTimestamps: true });
    planted[name]?.(directory);
    rmSync(join(directory, "EVIL"), { force: true });
    expect(await build(directory, options)).toMatchObject({ results: 0 });
    expect(existsSync(join(directory, "EVIL"))).toBe(false);
    expect(readFileSync(join(directory, "build/f"), "utf8")).toBe("1");
    expect(readFileSync(join(directory, "build/directory/g"), "utf8")).toBe("1");
  });
});
