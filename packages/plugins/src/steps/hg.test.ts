import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildSource } from "@multimaster/plugins";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLocalStep } from "../../../../test/harness/local-step-context.ts";
import { expectKeptWhileAway } from "../../../../test/harness/server-away.ts";
import { temporaryDirectory } from "../../../../test/harness/temporary-directory.ts";
import { startHg } from "../../../../test/harness/version-control.ts";
import type { StepDefinition } from "../define-step.ts";
import hg from "./hg.ts";

type Options = Parameters<typeof hg>[0];

const password = "hg-Secret1";
let repository: Awaited<ReturnType<typeof startHg>>;
let [first, second, side] = ["", "", ""];

beforeAll(async () => {
  repository = await startHg(password);
  first = repository.commit({ ".hgignore": "syntax: glob\n*.o\n", f: "1\n", "d/g": "1\n" });
  side = repository.commit({ f: "side\n" }, { branch: 'side "ü' });
  second = repository.commit({ f: "2\n" });
});
afterAll(() => repository.stop());

async function run(
  directory: string,
  given: Partial<Options> = {},
  stamp: Partial<BuildSource> = {},
  patch?: Uint8Array,
  maxCaptured?: number,
) {
  const { ctx, trace } = createLocalStep(directory, stamp, {}, patch, maxCaptured);
  const credentials = { username: "ci", password };
  const { plugin, options } = hg({ repourl: repository.url, credentials, ...given } as Options);
  const end = await (plugin as StepDefinition).run(ctx, options as Record<string, unknown>);
  expect(JSON.stringify([trace.commands, trace.log, end])).not.toContain(password);
  expect(readdirSync(join(directory, ".."))).toEqual(["builder"]);
  return { ...end, got: trace.properties.get("got_revision"), trace };
}

const newDirectory = () => {
  const directory = join(temporaryDirectory("hg-step"), "builder");
  mkdirSync(directory);
  return directory;
};
const read = (directory: string, file: string) => readFileSync(join(directory, "build", file), "utf8");

describe("the hg step", { timeout: 240_000 }, () => {
  it("checks out a branch or revision, and runs nothing that the previous build has left", async () => {
    const directory = newDirectory();
    const evil = join(directory, "EVIL");
    for (const [stamp, revision, content] of [
      [{}, second, "2\n"],
      [{ branch: 'side "ü' }, side, "side\n"],
      [{ branch: "default", revision: first }, first, "1\n"],
      [{ revision: side.slice(0, 12) }, side, "side\n"],
    ] as const) {
      const { got, reason } = await run(directory, {}, stamp);
      expect([stamp, reason, got]).toEqual([stamp, undefined, revision]);
      expect(read(directory, "f")).toBe(content);
      writeFileSync(join(directory, "build/f"), "changed by a build");
      writeFileSync(join(directory, "build/kept"), "x");
      writeFileSync(
        join(directory, "build/.hg/hgrc"),
        `[hooks]\npre-pull = touch ${evil}\npreupdate = touch ${evil}\npre-root = touch ${evil}\n`,
      );
    }
    expect(existsSync(join(directory, "build/kept"))).toBe(true);
    expect(existsSync(evil)).toBe(false);
  });

  it("leaves of the previous build what its mode and method say, and replaces a broken directory", async () => {
    const directory = newDirectory();
    const left = async (options: Partial<Options>, maxCaptured?: number) => {
      expect((await run(directory, options, {}, undefined, maxCaptured)).results).toBe(0);
      return readdirSync(join(directory, "build")).toSorted();
    };
    const own = [".hg", ".hgignore", "d", "f"];
    expect(await left({})).toEqual(own);
    for (const name of ["ignored.o", "new"]) writeFileSync(join(directory, "build", name), "x");
    expect(await left({})).toEqual([...own, "ignored.o", "new"]);
    expect(await left({ mode: "full", method: "clean" })).toEqual([...own, "ignored.o"]);
    // More than is kept of a program's output.
    for (let i = 0; i < 6000; i += 1) writeFileSync(join(directory, "build", `${i}-${"x".repeat(230)}`), "");
    expect(await left({ mode: "full" }, 1_200_000)).toEqual(own);
    writeFileSync(join(directory, "build/new"), "x");
    expect(await left({ mode: "full", method: "clobber" })).toEqual(own);
    writeFileSync(join(directory, "build/.hg/store/00changelog.i"), "broken");
    expect((await run(directory)).got).toBe(second);
  });

  it("applies a patch, and the next build has nothing of it", async () => {
    const directory = newDirectory();
    const patch = { patchid: 1, level: 1, subdir: "d", author: "Ada", comment: "" };
    const body = "--- a/g\n+++ b/g\n@@ -1 +1 @@\n-1\n+tried\n--- /dev/null\n+++ b/n/new\n@@ -0,0 +1 @@\n+new\n";
    const tried = await run(directory, {}, { patch }, Buffer.from(body));
    expect([tried.reason, tried.got]).toEqual([undefined, second]);
    expect([read(directory, "d/g"), read(directory, "d/n/new")]).toEqual(["tried\n", "new\n"]);
    expect((await run(directory)).results).toBe(0);
    expect([read(directory, "d/g"), existsSync(join(directory, "build/d/n/new"))]).toEqual(["1\n", false]);
    const reason = "the patch does not apply to what is checked out; the log says where";
    for (const bad of [
      body.replace("-1\n", "-other\n"),
      "--- /dev/null\n+++ b/../../../outside\n@@ -0,0 +1 @@\n+new\n",
    ])
      expect([bad, (await run(directory, {}, { patch }, Buffer.from(bad))).reason]).toEqual([bad, reason]);
  });

  it("builds branches that are repositories of their own", async () => {
    const directory = newDirectory();
    const parent = join(repository.path, "..");
    const options = { repourl: `file://${parent}`, branchType: "dirname" } as const;
    expect((await run(directory, { ...options, branch: "repository" })).got).toBe(second);
    expect((await run(directory, options, { branch: "absent" })).reason).toMatch(/^hg clone failed: .{10}/);
    expect((await run(directory, options, { branch: "../x" })).reason).toMatch(/^the branch "..\/x" is not a valid/);
  });

  it("keeps the directory while the server is away, and says so", async () => {
    const directory = newDirectory();
    await expectKeptWhileAway(
      repository.url,
      directory,
      (repourl, retry) => run(directory, { repourl, retry } as Partial<Options>),
      { command: "hg identify", reason: /^hg identify failed: .*refused/ },
    );
  });

  it("fails in a sentence, and takes no name for anything else", async () => {
    const directory = newDirectory();
    for (const [stamp, reason] of [
      [{ branch: "absent" }, "the repository has no branch absent"],
      [{ branch: 'x") or all() or branch("y' }, /^the repository has no branch x/],
      [{ branch: "--config=x" }, /is not a valid name for Mercurial$/],
      [{ branch: "default", revision: side }, `the revision ${side} is not on branch default`],
      [{ revision: "f".repeat(40) }, `the repository has no revision ${"f".repeat(40)}`],
      [{ revision: "tip" }, 'the revision "tip" is not a valid name for Mercurial'],
    ] as const)
      expect((await run(directory, {}, stamp)).reason).toEqual(
        typeof reason === "string" ? reason : expect.stringMatching(reason),
      );
    const refused = (options: object) => {
      const { plugin, options: given } = hg({ repourl: repository.url, ...options } as Options);
      return (plugin as StepDefinition).options.safeParse(given).error?.issues.map(({ message }) => message);
    };
    expect(refused({ repourl: "ssh://-oProxyCommand=x/r" })).toEqual(["must not name a host that is an option"]);
    expect(refused({ repourl: "bundle:x" })?.[0]).toMatch(/^must begin with http/);
    expect(refused({ branch: "a:b" })?.[0]).toMatch(/^must be a name/);
  });
});
