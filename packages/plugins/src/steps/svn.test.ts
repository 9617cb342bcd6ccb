import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { secret } from "@multimaster/config";
import type { BuildSource } from "@multimaster/plugins";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLocalStep } from "../../../../test/harness/local-step-context.ts";
import { expectKeptWhileAway } from "../../../../test/harness/server-away.ts";
import { temporaryDirectory } from "../../../../test/harness/temporary-directory.ts";
import { startSvn } from "../../../../test/harness/version-control.ts";
import type { StepDefinition } from "../define-step.ts";
import svn from "./svn.ts";

type Options = Parameters<typeof svn>[0];

const password = "svn-Secret1";
let repository: Awaited<ReturnType<typeof startSvn>>;
let [first, second, side] = ["", "", ""];

beforeAll(async () => {
  repository = await startSvn(password);
  first = repository.commit({ f: "1\n", "d/g": "1\n" });
  second = repository.commit({ f: "2\n" });
  side = repository.commit({ f: "side\n" }, { branch: "branches/1 @2 ü" });
});
afterAll(() => repository.stop());

async function run(
  directory: string,
  given: Partial<Options> = {},
  stamp: Partial<BuildSource> = {},
  patch?: Uint8Array,
) {
  const { ctx, trace } = createLocalStep(directory, stamp, {}, patch);
  const credentials = { username: "ci", password };
  const { plugin, options } = svn({ repourl: repository.url, branch: "trunk", credentials, ...given } as Options);
  const end = await (plugin as StepDefinition).run(ctx, options as Record<string, unknown>);
  expect(JSON.stringify([trace.commands, trace.log, end])).not.toContain(password);
  return { ...end, got: trace.properties.get("got_revision"), trace };
}

const newDirectory = () => {
  const directory = join(temporaryDirectory("svn-step"), "builder");
  mkdirSync(directory);
  return directory;
};
const read = (directory: string, file: string) => readFileSync(join(directory, "build", file), "utf8");

describe("the svn step", () => {
  it("checks out a branch at a revision, and follows the build from one to the other in the same directory", async () => {
    const directory = newDirectory();
    for (const [stamp, revision, content] of [
      [{}, side, "2\n"],
      [{ revision: first }, first, "1\n"],
      [{ branch: "branches/1 @2 ü" }, side, "side\n"],
      [{ branch: "trunk", revision: second }, second, "2\n"],
    ] as const) {
      const { got, reason } = await run(directory, {}, stamp);
      expect([stamp, reason, got]).toEqual([stamp, undefined, revision]);
      expect(read(directory, "f")).toBe(content);
      writeFileSync(join(directory, "build/f"), "changed by a build");
      writeFileSync(join(directory, "build/kept"), "x");
    }
    expect(existsSync(join(directory, "build/kept"))).toBe(true);
    expect((await run(directory, { preferLastChangedRev: true })).got).toBe(second);
    expect((await run(directory, { gotRevision: false })).got).toBeUndefined();
  });

  it("leaves of the previous build what its mode and method say", async () => {
    for (const [options, left] of [
      [{}, ["ignored.o", "new"]],
      [{ mode: "full", method: "clean" }, ["ignored.o"]],
      [{ mode: "full" }, []],
      [{ mode: "full", method: "clobber" }, []],
      [{ mode: "full", method: "copy" }, []],
      [{ mode: "full", method: "export" }, []],
    ] as [Partial<Options>, string[]][]) {
      const directory = newDirectory();
      expect((await run(directory, options)).results).toBe(0);
      for (const name of ["ignored.o", "new"]) writeFileSync(join(directory, "build", name), "x");
      expect((await run(directory, options)).results).toBe(0);
      const names = readdirSync(join(directory, "build")).filter((name) => name !== ".svn");
      expect([options, names]).toEqual([options, ["d", "f", ...left]]);
      expect(existsSync(join(directory, "build/.svn"))).toBe(options.method !== "export");
    }
  });

  it("gives its credentials to no host that an external names, unless it may follow externals", async () => {
    const flagged = async (given: Partial<Options>) => {
      const { trace } = await run(newDirectory(), given);
      const [checkout] = trace.commands.filter((words) => words.includes("checkout"));
      return checkout?.includes("--ignore-externals");
    };
    expect(await flagged({})).toBe(true);
    expect(await flagged({ externals: true })).toBe(false);
    const warningsOf = (given: Partial<Options>) => {
      const { plugin, options } = svn({ repourl: repository.url, ...given } as Options);
      return (plugin as StepDefinition).warnings?.(options as Record<string, unknown>).map(({ path }) => path);
    };
    const credentials = { username: "ci", password: secret("svn") };
    expect(warningsOf({ credentials, externals: true })).toEqual([["externals"]]);
    expect(warningsOf({ credentials })).toEqual([]);
    expect(warningsOf({ externals: true })).toEqual([]);
  });

  it("begins again where the directory is broken", async () => {
    const directory = newDirectory();
    expect((await run(directory)).results).toBe(0);
    expect((await run(directory)).results).toBe(0);
    // That the repository lacks what is asked for is not the directory's fault.
    writeFileSync(join(directory, "build/kept"), "x");
    expect((await run(directory, {}, { branch: "absent" })).reason).toMatch(/^svn info failed: .{10}/);
    expect((await run(directory, {}, { revision: "99" })).reason).toMatch(/^svn info failed: .{10}/);
    expect(existsSync(join(directory, "build/kept"))).toBe(true);
    writeFileSync(join(directory, "build/.svn/wc.db"), "broken");
    expect((await run(directory)).got).toBe(side);
  });

  it("applies a patch, and the next build has nothing of it", async () => {
    const directory = newDirectory();
    const patch = { patchid: 1, level: 1, subdir: "d", author: "Ada", comment: "" };
    const body = "--- a/g\n+++ b/g\n@@ -1 +1 @@\n-1\n+tried\n--- /dev/null\n+++ b/n/new\n@@ -0,0 +1 @@\n+new\n";
    const tried = await run(directory, {}, { patch }, Buffer.from(body));
    expect([tried.reason, tried.got]).toEqual([undefined, side]);
    expect([read(directory, "d/g"), read(directory, "d/n/new")]).toEqual(["tried\n", "new\n"]);
    expect((await run(directory)).results).toBe(0);
    expect([read(directory, "d/g"), existsSync(join(directory, "build/d/n"))]).toEqual(["1\n", false]);
    const reason = "the patch does not apply to what is checked out; the log says where";
    symlinkSync(temporaryDirectory("outside"), join(directory, "build/d/link"));
    for (const bad of [
      body.replace("-1\n", "-other\n"),
      "nothing\n",
      "--- /dev/null\n+++ b/../../../outside\n@@ -0,0 +1 @@\n+new\n",
      "--- /dev/null\n+++ b/link/x\n@@ -0,0 +1 @@\n+new\n",
    ])
      expect([bad, (await run(directory, {}, { patch }, Buffer.from(bad))).reason]).toEqual([bad, reason]);
    expect((await run(directory, {}, { patch: { ...patch, subdir: "../.." } }, Buffer.from(body))).reason).toBe(reason);
  });

  it("keeps the directory while the server is away, and says so", async () => {
    const directory = newDirectory();
    await expectKeptWhileAway(
      repository.url,
      directory,
      (repourl, retry) => run(directory, { repourl, retry } as Partial<Options>),
      { command: "svn info", reason: /^svn info failed: Unable to connect to a repository/ },
    );
  });

  it("fails in a sentence, and takes no name for anything else", async () => {
    const directory = newDirectory();
    for (const [stamp, reason] of [
      [{ branch: "absent" }, expect.stringMatching(/^svn checkout failed: .{10}/)],
      [{ branch: "../trunk" }, 'the branch "../trunk" is not a directory\'s name'],
      [{ branch: "a//b" }, 'the branch "a//b" is not a directory\'s name'],
      [{ revision: "--help" }, 'the revision "--help" is not a number'],
      [{ revision: "1:2" }, 'the revision "1:2" is not a number'],
      [{ branch: "--config-dir=x" }, expect.stringMatching(/^svn checkout failed: .{10}/)],
    ] as const)
      expect((await run(directory, {}, stamp)).reason).toEqual(reason);
    const refused = (options: object) => {
      const { plugin, options: given } = svn({ repourl: repository.url, ...options } as Options);
      return (plugin as StepDefinition).options.safeParse(given).error?.issues.map(({ message }) => message);
    };
    expect(refused({ repourl: "svn+ssh://-oProxyCommand=x/r" })).toEqual(["must not name a host that is an option"]);
    expect(refused({ repourl: "svn+evil://host/r" })).toEqual([expect.stringMatching(/^must begin with http/)]);
    expect(refused({ repourl: "svn://a:b@host/r" })).toEqual(["must not hold a password: use credentials"]);
    expect(refused({ branch: "/trunk" })?.[0]).toMatch(/^must be a directory of the repository/);
  });
});
