import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cache = join(resolve(process.env["MULTIMASTER_CACHE"] || join(root, ".cache")), "releases");

/** The release before the present one, built from its own sources. */
export interface PreviousRelease {
  readonly commit: string;
  /** Its `master.mjs`, to be given to `startMaster`. */
  readonly program: string;
  /** A file of its tree, such as a config. */
  file(path: string): string;
}

/**
 * Takes the newest release of test/releases.json out of git and compiles it, once per cache. A string says why that
 * cannot be done here: a shallow clone does not have the commit.
 */
export function buildPreviousRelease(): PreviousRelease | string {
  const releases = JSON.parse(readFileSync(join(root, "test/releases.json"), "utf8")) as { commit: string }[];
  const { commit } = releases.at(-1) as { commit: string };
  const directory = join(cache, commit);
  if (!existsSync(directory)) {
    if (run("git", ["cat-file", "-e", `${commit}^{commit}`]) !== undefined)
      return `the commit ${commit.slice(0, 7)} of the release before is not in this clone (git fetch --unshallow)`;
    buildRelease(commit, directory);
  }
  linkDependencies();
  return {
    commit,
    program: join(directory, "packages/cli/bin/master.mjs"),
    file: (path) => join(directory, path),
  };
}

/** Built in another directory, then renamed: if the directory exists, it is complete. */
function buildRelease(commit: string, directory: string): void {
  mkdirSync(cache, { recursive: true });
  linkDependencies();
  const work = mkdtempSync(join(cache, "build-"));
  try {
    const archive = join(work, "release.tar");
    runOrThrow("git", ["archive", "--output", archive, commit]);
    runOrThrow("tar", ["-xf", archive, "-C", work]);
    rmSync(archive);
    linkPackages(work);
    runOrThrow(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b", join(work, "packages/cli")]);
    if (!existsSync(directory)) renameSync(work, directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Its packages are its own; everything else is found above it, where modules are looked for next. */
function linkPackages(tree: string): void {
  const scope = join(tree, "node_modules/@multimaster");
  mkdirSync(scope, { recursive: true });
  for (const name of readdirSync(join(tree, "packages"))) symlinkSync(`../../packages/${name}`, join(scope, name));
  symlinkSync("../../roles", join(scope, "roles"));
}

/**
 * The dependencies of others are those of the present release: the difference that counts is in our own code. What only the
 * release before needs (execa, knex) is a dependency of the tests.
 */
function linkDependencies(): void {
  const link = join(cache, "node_modules");
  if (existsSync(join(link, "typescript"))) return;
  rmSync(link, { force: true });
  symlinkSync(relative(cache, join(root, "node_modules")), link);
}

function run(command: string, args: readonly string[]): string | undefined {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  return result.status === 0 ? undefined : `${result.error?.message ?? ""}${result.stdout}${result.stderr}`;
}

function runOrThrow(command: string, args: readonly string[]): void {
  const problem = run(command, args);
  if (problem !== undefined) throw new Error(`the release before cannot be built: ${command}: ${problem}`);
}
