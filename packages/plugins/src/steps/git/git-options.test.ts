import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startGitHttpServer } from "../../../../../test/harness/git-http-server.ts";
import { createGitRepository } from "../../../../../test/harness/git-repository.ts";
import { createLocalStep } from "../../../../../test/harness/local-step-context.ts";
import {
  inBuild,
  newBuilderDirectory as newDirectory,
  readInBuild as read,
  runGitStep as run,
} from "../../../../../test/harness/run-git-step.ts";
import { temporaryDirectory } from "../../../../../test/harness/temporary-directory.ts";
import type { StepDefinition } from "../../define-step.ts";
import git from "../git.ts";

type Options = Parameters<typeof git>[0];

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

describe("which commit a git step builds", () => {
  it("is the newest of its own branch with alwaysUseLatest, whatever the build is about", async () => {
    const repository = createGitRepository();
    const tools = repository.commit({ branch: "tools", files: { tool: "1" } });
    const main = repository.revision();
    const stamp = { branch: "refs/pull/9/head", revision: "0".repeat(40) };
    const options = { repourl: repository.url, alwaysUseLatest: true };
    expect((await run(newDirectory(), { ...options, branch: "tools" }, { stamp })).got).toBe(tools);
    expect((await run(newDirectory(), options, { stamp })).got).toBe(main);
  });

  it("is described by the nearest tag of the repository, not by one that a build has left", async () => {
    const repository = createGitRepository();
    repository.createTag("v1.0");
    const newest = repository.commit();
    const directory = newDirectory();
    const options = { repourl: repository.url, getDescription: true };
    const text = `v1.0-1-g${newest.slice(0, 7)}`;
    expect((await run(directory, options)).properties["commit-description"]).toBe(text);
    inBuild(directory, "tag", "v9");
    expect((await run(directory, options)).properties["commit-description"]).toBe(text);
    const other = await run(directory, { ...options, codebase: "a", getDescription: { match: "w*" } });
    expect([other.results, other.properties["commit-description"]]).toEqual([0, undefined]);
    const short = await run(directory, { ...options, codebase: "a", getDescription: { abbrev: 0 } });
    expect(short.properties["commit-description"]).toEqual({ a: "v1.0" });
  });

  it("is merged into the branch that the options name, or the conflicts are the reason", async () => {
    const repository = createGitRepository({ files: { f: "1", g: "1" } });
    const pull = repository.commit({ branch: "pull", files: { g: "2" } });
    const other = repository.commit({ branch: "other", files: { f: "3" } });
    const base = repository.commit({ files: { f: "2", left: "of main" } });
    const options = { repourl: repository.url, mergeInto: "main" };
    const directory = newDirectory();
    const first = await run(directory, options, { stamp: { branch: "pull", revision: pull } });
    expect([first.got, first.properties["got_base_revision"]]).toEqual([pull, base]);
    expect(["f", "g"].map((file) => read(directory, file))).toEqual(["2", "2"]);
    const elsewhere = newDirectory();
    await run(elsewhere, options, { stamp: { branch: "pull" } });
    // The same commit on each worker.
    expect(inBuild(elsewhere, "rev-parse", "HEAD")).toBe(inBuild(directory, "rev-parse", "HEAD"));
    expect(await run(directory, options, { stamp: { branch: "other" } })).toMatchObject({
      results: 2,
      reason: `${other.slice(0, 10)} conflicts with branch main in f`,
    });
    expect((await run(directory, { ...options, mergeInto: "absent" })).reason).toBe(
      "the repository has no branch absent to merge into",
    );
    expect((await run(directory, options, { stamp: { branch: "pull" } })).got).toBe(pull);
    expect((await run(directory, { ...options, shallow: true })).reason).toMatch(/^mergeInto needs the history/);
  });
});

describe("how a git step fetches", () => {
  it("brings contents only when they are needed, with filter, also later and after other builds", async () => {
    const repository = createGitRepository({ files: { f: "old", g: "1" } });
    execFileSync("git", ["config", "uploadpack.allowFilter", "true"], { cwd: repository.path });
    const old = repository.revision();
    repository.commit({ files: { f: "new" } });
    const directory = newDirectory();
    const options = { repourl: repository.url, filter: "blob:none" };
    expect((await run(directory, options)).results).toBe(0);
    const blob = repository.git("rev-parse", `${old}:f`);
    const lacks = () => inBuild(directory, "rev-list", "--objects", "--all", "--missing=print").includes(`?${blob}`);
    expect(lacks()).toBe(true);
    expect((await run(directory, options, { stamp: { branch: "main", revision: old } })).got).toBe(old);
    expect(read(directory, "f")).toBe("old");
    // Without the option the directory becomes a whole copy, and keeps working with it.
    expect((await run(directory, { repourl: repository.url })).got).toBe(repository.revision());
    repository.commit({ files: { f: "newest" } });
    expect((await run(directory, options)).results).toBe(0);
    expect(read(directory, "f")).toBe("newest");
  });

  it("checks out only some directories with sparse, and leaves unchanged files alone", async () => {
    const files = { top: "1", "a/x": "1", "a/b/y": "1", "a/b/c/z": "1", "d/w": "1" };
    const repository = createGitRepository({ files });
    const directory = newDirectory();
    const options = { repourl: repository.url, sparse: ["a/b"] };
    const listed = () =>
      readdirSync(join(directory, "build"), { recursive: true, encoding: "utf8" })
        .filter((name) => !name.startsWith(".git") && statSync(join(directory, "build", name)).isFile())
        .toSorted();
    expect((await run(directory, options)).results).toBe(0);
    expect(listed()).toEqual(["a/b/c/z", "a/b/y", "a/x", "top"]);
    const before = statSync(join(directory, "build/a/x")).mtimeMs;
    inBuild(directory, "update-index", "--skip-worktree", "top");
    writeFileSync(join(directory, "build/top"), "left by a build");
    repository.commit({ files: { "d/w": "2", "a/b/y": "2" } });
    expect((await run(directory, options)).results).toBe(0);
    expect([read(directory, "a/b/y"), read(directory, "top")]).toEqual(["2", "1"]);
    expect(statSync(join(directory, "build/a/x")).mtimeMs).toBe(before);
    expect((await run(directory, { repourl: repository.url })).results).toBe(0);
    expect(listed()).toEqual(Object.keys(files).toSorted());
  });

  it("copies a directory of its own with the method copy", async () => {
    const repository = createGitRepository({ files: { f: "1" } });
    const directory = newDirectory();
    const options = { repourl: repository.url, mode: "full", method: "copy" } as const;
    for (const round of ["1", "2"]) {
      expect((await run(directory, options)).results).toBe(0);
      expect(inBuild(directory, "status", "--porcelain", "--ignored")).toBe("");
      writeFileSync(join(directory, "build/left"), round);
      writeFileSync(join(directory, "build/.git/HEAD"), "broken");
    }
    expect(existsSync(join(directory, "source/build/f"))).toBe(true);
    expect((await run(directory, { ...options, mode: "incremental" })).reason).toBe('method copy needs mode: "full"');
  });

  it("sets no got_revision and logs no output if it must not", async () => {
    const repository = createGitRepository();
    const { results, got, log } = await run(newDirectory(), {
      repourl: repository.url,
      gotRevision: false,
      silent: true,
    });
    expect([results, got]).toEqual([0, undefined]);
    expect(log).not.toContain("HEAD is now at");
  });

  it("takes all of the history where a server cannot send a part", async () => {
    const repository = createGitRepository();
    const newest = repository.commit();
    execFileSync("git", ["update-server-info"], { cwd: repository.path });
    const user = { name: "ci", password: "secret-word" };
    const server = await startGitHttpServer(join(repository.path, ".."), user, { kind: "files" });
    ends.push(server.stop);
    const repourl = `http://${server.host}/repository.git`;
    const { got, log } = await run(newDirectory(), {
      repourl,
      shallow: true,
      credentials: { username: "ci", password: "secret-word" },
    });
    expect(got).toBe(newest);
    expect(log).toContain("the server cannot send a part of the history");
    expect(log).not.toContain("secret-word");
  });

  it("fetches what Git LFS stores, and replaces what it has left before", async () => {
    const content = Buffer.from("large\n".repeat(1000));
    const oid = createHash("sha256").update(content).digest("hex");
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;
    const repository = createGitRepository({
      files: { ".gitattributes": "*.bin filter=lfs -text\n", "a.bin": pointer },
    });
    const user = { name: "ci", password: "secret-word" };
    const server = await startGitHttpServer(join(repository.path, ".."), user, { large: new Map([[oid, content]]) });
    ends.push(server.stop);
    const directory = newDirectory();
    const options = {
      repourl: `http://${server.host}/repository.git`,
      credentials: { username: "ci", password: "secret-word" },
    };
    expect((await run(directory, options)).results).toBe(0);
    expect(read(directory, "a.bin")).toBe(pointer);
    for (const round of [1, 2]) {
      const { results, reason } = await run(directory, { ...options, lfs: true });
      expect([round, results, reason]).toEqual([round, 0, undefined]);
      expect(read(directory, "a.bin")).toBe(content.toString());
    }
  });
});

describe("a git step's key", () => {
  const privateKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0IGtleQ==\n-----END OPENSSH PRIVATE KEY-----\n";
  const knownHosts = "example.org ssh-ed25519 AAAA ü\n";

  /** A program `ssh` that writes down what it gets, and runs the command here. */
  function fakeSsh(): { env: Record<string, string>; seen: () => string } {
    const directory = temporaryDirectory("ssh");
    const seen = join(directory, "seen");
    const script = `#!/bin/sh
{
  printf '%s\\n' "$*"
  for word; do
    case $word in UserKnownHostsFile=*) h=$(printf %s "\${word#*=}" | tr -d '"'); stat -c '%a' "$h"; cat "$h" ;; esac
    test "$before" != -i || { stat -c '%a' "$word" "$(dirname "$word")"; cat "$word"; }
    before=$word
  done
  env | grep MULTIMASTER_SSH
} >> ${seen}
for last; do :; done
exec sh -c "$last"
`;
    writeFileSync(join(directory, "ssh"), script);
    chmodSync(join(directory, "ssh"), 0o755);
    return {
      env: { PATH: `${directory}:${process.env["PATH"]}` },
      seen: () => readFileSync(seen, "utf8"),
    };
  }

  it("is a private file while git speaks to the host, and nowhere else", async () => {
    const repository = createGitRepository();
    const { env, seen } = fakeSsh();
    const directory = newDirectory();
    const repourl = `ssh://git@example.org${repository.path}`;
    const options = { repourl, sshPrivateKey: privateKey, sshKnownHosts: knownHosts };
    const { results, reason, trace, log } = await run(directory, options, { env });
    expect([results, reason]).toEqual([0, undefined]);
    const text = seen();
    expect(text).toContain("StrictHostKeyChecking=yes");
    expect(text).toContain(`600\n700\n${privateKey}`);
    expect(text).toContain("600\nexample.org ssh-ed25519 AAAA ?\n");
    expect(text).not.toContain("MULTIMASTER_SSH");
    expect(JSON.stringify([trace.commands, log])).not.toContain("c2VjcmV0");
    expect(readdirSync(join(directory, ".."))).toEqual(["builder"]);
  });

  it("is gone also after a command that was killed, at the latest with the next step", async () => {
    const repository = createGitRepository();
    const { env } = fakeSsh();
    const directory = newDirectory();
    const options = { repourl: `ssh://example.org${repository.path}`, sshPrivateKey: privateKey };
    const { ctx } = createLocalStep(directory, {}, env);
    const { openSsh } = await import("./ssh-files.ts");
    const left = openSsh(ctx, "build", { privateKey, knownHosts: undefined })?.directory as string;
    mkdirSync(left);
    writeFileSync(join(left, "key"), privateKey);
    expect((await run(directory, { ...options, repourl: repository.url })).results).toBe(0);
    expect(existsSync(left)).toBe(false);
    // The worker ends a command by a signal to its process group.
    const access = openSsh(ctx, "build", { privateKey, knownHosts: undefined });
    const words = [...(access?.settings ?? []), ...(access?.words ?? []), "-c", "alias.wait=!sleep 60", "wait"];
    const killed = execFileSync(
      "sh",
      [
        "-c",
        `setsid git "$@" & until test -e "$D/key"; do sleep 0.02; done; kill -TERM -$!; wait $!; echo $?`,
        "sh",
        ...words,
      ],
      { env: { ...process.env, ...access?.environment, D: left }, encoding: "utf8", timeout: 20_000 },
    );
    expect(killed.trim()).not.toBe("0");
    expect(existsSync(left)).toBe(false);
  });
});

describe("options of a git step that cannot work", () => {
  it("are refused, each in a sentence", () => {
    const refuse = (options: Record<string, unknown>) => {
      const { plugin, options: given } = git({ repourl: "https://example.org/r.git", ...options } as Options);
      const parsed = (plugin as StepDefinition).options.safeParse(given);
      return parsed.error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    };
    expect(refuse({ filter: "blob:some" })).toEqual([expect.stringMatching(/^filter: must be "blob:none"/)]);
    expect(refuse({ sparse: ["../x"] })).toEqual(["sparse.0: must be a directory of the repository"]);
    expect(refuse({ repourl: "ext::sh -c date" })).toEqual(['repourl: must not be a command ("ext::…")']);
    expect(refuse({ mergeInto: "--x" })).toEqual([expect.stringMatching(/^mergeInto: must be a valid name for git/)]);
    expect(refuse({ sshPrivateKey: "x" })).toEqual(["sshPrivateKey: must be the text of a private key"]);
    expect(refuse({ verify: { keys: ["x"] } })?.[0]).toMatch(/^verify/);
    expect(refuse({})).toBeUndefined();
  });

  it("are warned of where they contradict each other, or hold a secret", () => {
    const warnings = (options: Partial<Options>) => {
      const step = git({ repourl: "https://example.org/r.git", ...options } as Options);
      return step.plugin.warnings?.(step.options)?.map(({ path, sentence }) => `${path.join(".")}: ${sentence}`);
    };
    expect(warnings({ filter: "blob:none", mirror: true })).toEqual([
      "filter: is of no use with mirror, which has everything",
    ]);
    expect(warnings({ credentials: { username: "a", password: "b" } })?.[0]).toMatch(/^credentials.password: is in/);
    expect(warnings({ credentials: { username: "a", password: () => "b" } })).toEqual([]);
  });

  it("name the program that the worker lacks, and the version that is needed", async () => {
    const directory = temporaryDirectory("old");
    writeFileSync(
      join(directory, "git"),
      `#!/bin/sh\ncase "$*" in *--version*) echo "git version 2.20.1"; exit;; *lfs*) exit 1;; esac\nexec /usr/bin/git "$@"\n`,
    );
    chmodSync(join(directory, "git"), 0o755);
    const env = { PATH: `${directory}:${process.env["PATH"]}` };
    const repourl = createGitRepository().url;
    const reason = async (options: Partial<Options>) =>
      (await run(newDirectory(), { repourl, ...options } as Options, { env })).reason;
    expect(await reason({ sparse: ["a"] })).toBe("sparse needs git 2.25; worker here has 2.20.1");
    expect(await reason({ lfs: true })).toBe("lfs needs git-lfs on worker here");
  });
});
