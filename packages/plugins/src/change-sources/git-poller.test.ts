import { execFileSync } from "node:child_process";
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Logger, silentLog } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { afterEach, describe, expect, it } from "vitest";
import { createGitRepository, isolatedGitEnvironment } from "../../../../test/harness/git-repository.ts";
import { createFakeClock, createSourceRows, fakeSourceContext } from "../../../../test/harness/scheduler-fakes.ts";
import { temporaryDirectory } from "../../../../test/harness/temporary-directory.ts";
import { waitFor } from "../../../../test/harness/wait-for.ts";
import type { ChangeSourceDefinition } from "../define-change-source.ts";
import type { Running } from "../running.ts";
import gitPoller from "./git-poller.ts";

type Options = Omit<Parameters<typeof gitPoller>[0], "repository"> & { repository?: string };

const running = new Set<Running>();
afterEach(async () => {
  await Promise.all([...running].map((each) => each.stop()));
  running.clear();
});

/** A poller of a repository, on a clock of its own; `poll` ends when a whole poll has ended. */
async function startPoller(repository: string, options: Options = {}, rows = createSourceRows()) {
  const clock = createFakeClock();
  const directory = join(temporaryDirectory("poller"), "own");
  const lines: string[] = [];
  const log: Logger = Object.create(silentLog);
  log.info = log.warn = (_: unknown, line?: string) => void lines.push(String(line));
  const descriptor = gitPoller({ repository, ...options });
  const plugin = descriptor.plugin as ChangeSourceDefinition;
  // A poll begins by listing branches; it is over when the poller sleeps.
  let sleeps = 0;
  const counting = {
    ...clock,
    sleep(ms: number, signal?: AbortSignal) {
      sleeps++;
      return clock.sleep(ms, signal);
    },
  };
  const parsed = plugin.options.parse(descriptor.options);
  const poller = await plugin.start(fakeSourceContext(rows, directory, counting, log), parsed);
  running.add(poller);
  const until = (count: number) => waitFor(() => sleeps >= count, { what: "a poll to end", intervalMs: 5 });
  await until(1);
  return {
    rows,
    clock,
    directory,
    log: () => lines,
    async poll(): Promise<NewChange[]> {
      const before = rows.changes.length;
      const at = sleeps;
      poller.wake?.();
      await until(at + 1);
      return rows.changes.slice(before);
    },
    async stop() {
      running.delete(poller);
      await poller.stop();
    },
  };
}

const revisions = (changes: readonly NewChange[]) => changes.map(({ revision }) => revision);

describe("a git poller at its first run", () => {
  it("notes the heads and reports only what is pushed later", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url);
    expect(poller.rows.changes).toEqual([]);
    expect(poller.rows.state.get("lastRev")).toEqual({ main: repository.revision() });
    const pushed = repository.commit();
    expect(revisions(await poller.poll())).toEqual([pushed]);
  });

  it("with buildOnFirstRun reports the head of each branch, once", async () => {
    const repository = createGitRepository();
    const main = repository.commit();
    const dev = repository.commit({ branch: "dev" });
    const poller = await startPoller(repository.url, { branches: true, buildOnFirstRun: true });
    expect(poller.rows.changes.map(({ branch, revision }) => [branch, revision])).toEqual([
      ["main", main],
      ["dev", dev],
    ]);
    expect(await poller.poll()).toEqual([]);
  });

  it("waits one interval when it must not poll at the start", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url, { pollAtStart: false });
    expect(poller.rows.state.size).toBe(0);
    await poller.poll();
    expect(poller.rows.state.size).toBe(1);
  });

  it("of an empty repository notes that there is nothing; the first push is then one change", async () => {
    const directory = temporaryDirectory("empty");
    const repository = createGitRepository();
    repository.git("init", "--quiet", "--bare", "--initial-branch=main", join(directory, "empty.git"));
    const poller = await startPoller(join(directory, "empty.git"));
    expect(poller.rows.state.get("lastRev")).toEqual({});
    const pushed = repository.commit();
    repository.git("push", "--quiet", join(directory, "empty.git"), "main");
    expect(revisions(await poller.poll())).toEqual([pushed]);
  });
});

describe("a git poller", () => {
  it("stores every detail of a commit", async () => {
    const repository = createGitRepository({ branch: "trunk" });
    const poller = await startPoller(repository.url, { project: "demo", codebase: "lib", category: "push" });
    const revision = repository.commit({
      files: { "src/a.c": "1", "doc/ä b.txt": "2" },
      message: "Mend the thing\n\nIt was broken.",
      author: "Grace Hopper <grace@example.org>",
    });
    expect(await poller.poll()).toEqual([
      {
        author: "Grace Hopper <grace@example.org>",
        committer: "Ada Committer <ada@example.org>",
        comments: "Mend the thing\n\nIt was broken.",
        files: ["doc/ä b.txt", "src/a.c"],
        revision,
        branch: "trunk",
        whenTimestamp: Number(repository.git("log", "-1", "--format=%ct")),
        category: "push",
        revlink: "",
        repository: repository.url,
        project: "demo",
        codebase: "lib",
      },
    ]);
  });

  it("reports many commits oldest first, with a merge as what it brought in", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url);
    const one = repository.commit({ files: { one: "1" } });
    const side = repository.commit({ branch: "side", files: { side: "1" } });
    const two = repository.commit({ files: { two: "1" } });
    repository.git("merge", "--quiet", "--no-ff", "-m", "merge", "side");
    repository.git("push", "--quiet", "origin", "main");
    const changes = await poller.poll();
    expect(revisions(changes)).toEqual([one, side, two, repository.revision()]);
    expect(changes.map(({ files }) => files)).toEqual([["one"], ["side"], ["two"], ["side"]]);
    expect(new Set(changes.map(({ branch }) => branch))).toEqual(new Set(["main"]));
  });

  it("reports 1200 commits of one push, each once", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url);
    const stream = Array.from(
      { length: 1200 },
      (_, i) =>
        `commit refs/heads/main\ncommitter A <a@b.c> ${1_800_000_000 + i} +0000\ndata 3\nc ${i % 10}\n${i === 0 ? "from refs/heads/main^0\n" : ""}`,
    );
    execFileSync("git", ["fast-import", "--quiet"], { cwd: repository.path, input: stream.join("") });
    const changes = await poller.poll();
    expect(new Set(revisions(changes)).size).toBe(1200);
    expect(changes.at(-1)?.revision).toBe(
      execFileSync("git", ["rev-parse", "main"], { cwd: repository.path, encoding: "utf8" }).trim(),
    );
  });

  it("follows the named branches, all, or those a function picks", async () => {
    const repository = createGitRepository();
    for (const branch of ["release-1", "release-2", "wip"]) repository.commit({ branch });
    const heads = async (branches: Options["branches"]) => {
      const { rows } = await startPoller(repository.url, { branches, buildOnFirstRun: true });
      return rows.changes.map(({ branch }) => branch).toSorted();
    };
    expect(await heads(["main", "wip", "none"])).toEqual(["main", "wip"]);
    expect(await heads(true)).toEqual(["main", "release-1", "release-2", "wip"]);
    expect(await heads((branch) => branch.startsWith("release-"))).toEqual(["release-1", "release-2"]);
  });

  it("reports of a new branch the commits that no known branch has", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url, { branches: true });
    const shared = repository.commit();
    const own = repository.commit({ branch: "dev" });
    expect((await poller.poll()).map(({ branch, revision }) => [branch, revision])).toEqual([
      ["main", shared],
      ["dev", own],
    ]);
  });

  it("reports a branch without new commits only with buildPushesWithNoCommits", async () => {
    const repository = createGitRepository();
    const quiet = await startPoller(repository.url, { branches: true });
    const eager = await startPoller(repository.url, { branches: true, buildPushesWithNoCommits: true });
    repository.git("push", "--quiet", "origin", "main:same");
    expect(await quiet.poll()).toEqual([]);
    expect((await eager.poll()).map(({ branch, revision }) => [branch, revision])).toEqual([
      ["same", repository.revision()],
    ]);
    expect(await eager.poll()).toEqual([]);
  });

  it("reports what is new after a force-push, and goes on from there", async () => {
    const repository = createGitRepository();
    repository.commit();
    const poller = await startPoller(repository.url);
    const first = repository.forcePush("main", "main~1", { files: { first: "1" } });
    const second = repository.commit({ files: { second: "1" } });
    expect(revisions(await poller.poll())).toEqual([first, second]);
    const third = repository.commit();
    expect(revisions(await poller.poll())).toEqual([third]);
    repository.forcePush("main", "main~2");
    expect(await poller.poll()).toEqual([]);
  });

  it("forgets a deleted branch, and reports it again when it comes back", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url, { branches: true });
    repository.commit({ branch: "a" });
    await poller.poll();
    repository.deleteBranch("a");
    expect(await poller.poll()).toEqual([]);
    expect(Object.keys(poller.rows.state.get("lastRev") as object)).toEqual(["main"]);
    // "a/b" where "a" was: as files the two names would be in each other's way.
    const back = repository.commit({ branch: "a/b" });
    expect(revisions(await poller.poll())).toEqual([back]);
  });

  it("follows a checkout without a branch, as CI services make them, under the name HEAD", async () => {
    const repository = createGitRepository();
    const clone = join(temporaryDirectory("clone"), "shallow");
    repository.commit();
    repository.git("clone", "--quiet", "--depth=1", repository.url, clone);
    repository.git("-C", clone, "checkout", "--quiet", "--detach");
    const poller = await startPoller(clone, { buildOnFirstRun: true });
    expect(poller.rows.changes.map(({ branch, revision }) => [branch, revision])).toEqual([
      ["HEAD", repository.revision()],
    ]);
    repository.git("-C", clone, "commit", "--quiet", "--allow-empty", "-m", "next");
    expect(revisions(await poller.poll())).toEqual([repository.git("-C", clone, "rev-parse", "HEAD")]);
  });

  it("bears names that are no UTF-8, empty authors, and long ones", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url);
    const commit = (name: Buffer, message: Buffer) =>
      Buffer.concat([
        Buffer.from("commit refs/heads/main\nauthor "),
        name,
        Buffer.from(` <x@y.z> 1800000000 +0000\ncommitter C <c@d.e> 1800000000 +0000\ndata ${message.length}\n`),
        message,
        Buffer.from("\n"),
      ]);
    const input = Buffer.concat([
      commit(Buffer.from([0x4a, 0xe9, 0xff]), Buffer.from([0xe9, 0x0a])),
      Buffer.from("from refs/heads/main^0\n"),
      commit(Buffer.from("n".repeat(400)), Buffer.from("")),
      commit(Buffer.from(""), Buffer.from("no author")),
    ]);
    execFileSync("git", ["fast-import", "--quiet"], { cwd: repository.path, input });
    const changes = await poller.poll();
    expect(changes.map(({ author }) => author)).toEqual([
      "J\ufffd\ufffd <x@y.z>",
      `${"n".repeat(400)} <x@y.z>`,
      "<x@y.z>",
    ]);
    expect(changes.map(({ comments }) => comments)).toEqual(["\ufffd", "", "no author"]);
  });

  it("goes on where another master stopped, without its local copy", async () => {
    const repository = createGitRepository();
    const first = await startPoller(repository.url);
    await first.stop();
    const pushed = [repository.commit(), repository.commit()];
    const second = await startPoller(repository.url, {}, first.rows);
    expect(revisions(second.rows.changes)).toEqual(pushed);
  });

  it("reports only the newest commit when the former head is nowhere any more", async () => {
    const repository = createGitRepository();
    const rows = createSourceRows();
    rows.state.set("lastRev", { main: "0123456789012345678901234567890123456789" });
    repository.commit();
    const poller = await startPoller(repository.url, {}, rows);
    expect(revisions(poller.rows.changes)).toEqual([repository.revision()]);
    expect(poller.log()).toContain(
      "main was rewritten and its former head is gone: only its newest commit is reported",
    );
  });

  it("writes nothing and reports nothing once its claim is lost", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url);
    poller.rows.lost = true;
    repository.commit();
    expect(await poller.poll()).toEqual([]);
    poller.rows.lost = false;
    expect(await poller.poll()).toHaveLength(1);
  });
});

describe("a git poller in trouble", () => {
  it("says so in one line without credentials, and goes on at the next poll", async () => {
    const repository = createGitRepository();
    const poller = await startPoller("http://someone:s3cret@127.0.0.1:1/repo.git", {
      repository: "http://someone:s3cret@127.0.0.1:1/repo.git",
    });
    const [line] = poller.log();
    expect(line).toMatch(/^cannot poll http:\/\/127\.0\.0\.1:1\/repo\.git: git ls-remote: unable to access/);
    expect(JSON.stringify(poller.log())).not.toContain("s3cret");
    expect(line).not.toContain("\n");

    const hidden = join(repository.path, "..", "hidden.git");
    const second = await startPoller(repository.path);
    const pushed = repository.commit();
    renameSync(repository.path, hidden);
    expect(await second.poll()).toEqual([]);
    expect(second.log().at(-1)).toMatch(
      /^cannot poll .*repository\.git: git ls-remote: .*does not appear to be a git repository/,
    );
    renameSync(hidden, repository.path);
    expect(revisions(await second.poll())).toEqual([pushed]);
  });

  it("fetches again when its local copy is damaged, and loses nothing", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url);
    const pushed = repository.commit();
    const head = join(poller.directory, "git", "HEAD");
    expect(existsSync(head)).toBe(true);
    writeFileSync(head, "");
    await poller.poll();
    await poller.poll();
    expect(revisions(poller.rows.changes)).toEqual([pushed]);
  });

  it("ends a git command that takes too long", async () => {
    const directory = temporaryDirectory("slow-git");
    await mkdir(join(directory, "bin"));
    writeFileSync(join(directory, "bin", "git-remote-slow"), "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
    const poller = await startPoller("slow://host/repo", {
      timeout: "300ms",
      env: { PATH: `${join(directory, "bin")}:${process.env["PATH"]}`, GIT_ALLOW_PROTOCOL: "slow" },
    });
    expect(poller.log().at(-1)).toBe("cannot poll slow://host/repo: git ls-remote took longer than 0.3 s");
  });

  it("stops in the middle of a git command", async () => {
    const directory = temporaryDirectory("slow-git");
    await mkdir(join(directory, "bin"));
    writeFileSync(
      join(directory, "bin", "git-remote-slow"),
      `#!/bin/sh\necho > ${join(directory, "began")}\nexec sleep 60\n`,
      { mode: 0o755 },
    );
    const rows = createSourceRows();
    const clock = createFakeClock();
    const { plugin, options } = gitPoller({
      repository: "slow://host/repo",
      env: { PATH: `${join(directory, "bin")}:${process.env["PATH"]}`, GIT_ALLOW_PROTOCOL: "slow" },
    });
    const poller = await (plugin as ChangeSourceDefinition).start(
      fakeSourceContext(rows, directory, clock),
      plugin.options.parse(options),
    );
    await waitFor(() => existsSync(join(directory, "began")), { what: "git to run" });
    await poller.stop();
    await poller.stop();
    expect(rows.changes).toEqual([]);
  });
});

describe("a git poller of an odd repository", () => {
  it("follows all branches except those whose names cannot be stored, which it reports once", async () => {
    const repository = createGitRepository();
    const main = repository.revision();
    const names = ["и".repeat(53), "ü".repeat(60), "支".repeat(40), "feature/🦆", "+plus", main, `${"x".repeat(200)}`];
    for (const name of names) repository.git("push", "--quiet", "origin", `main:refs/heads/${name}`);
    const refs = Buffer.concat([Buffer.from("create refs/heads/caf"), Buffer.from([0xe9]), Buffer.from(` ${main}\n`)]);
    execFileSync("git", ["update-ref", "--stdin"], { cwd: repository.path, input: refs });
    const poller = await startPoller(repository.url, { branches: true });
    const pushed = repository.commit();
    expect(revisions(await poller.poll())).toEqual([pushed]);
    const last = repository.commit({ branch: names[0] as string });
    expect((await poller.poll()).map(({ branch, revision }) => [branch, revision])).toEqual([[names[0], last]]);
    expect(poller.log().filter((line) => line.includes("not UTF-8"))).toHaveLength(1);
  });

  it("fetches each branch by itself where they cannot be had together", async () => {
    const repository = createGitRepository();
    for (const branch of ["a", "b", "broken", "c"]) repository.commit({ branch });
    const poller = await startPoller(repository.url, { branches: true, buildOnFirstRun: true });
    const broken = repository.commit({ branch: "broken" });
    const pushed = ["a", "c", "main"].map((branch) => repository.commit({ branch }));
    const object = join(repository.path, "objects", broken.slice(0, 2), broken.slice(2));
    const aside = `${object}.aside`;
    // Its commit is away for a while: the far end lists the branch and cannot give it.
    renameSync(object, aside);
    expect(new Set(revisions(await poller.poll()))).toEqual(new Set(pushed));
    await poller.poll();
    expect(poller.log().filter((line) => line.includes("1 branches cannot be fetched, such as broken"))).toHaveLength(
      1,
    );
    renameSync(aside, object);
    expect(revisions(await poller.poll())).toEqual([broken]);
  });

  it("follows no more than it may, those it knows before others", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url, { branches: true, maxBranches: 2 });
    repository.commit({ branch: "z" });
    await poller.poll();
    repository.git("push", "--quiet", "origin", "main:a", "main:b");
    await poller.poll();
    expect(Object.keys(poller.rows.state.get("lastRev") as object).toSorted()).toEqual(["main", "z"]);
    expect(poller.log().at(-1)).toContain('4 branches match, and only 2 are followed ("maxBranches")');
  });

  it("follows one whose names are SHA-256", async () => {
    const directory = temporaryDirectory("long-names");
    const inFar = (...args: string[]) =>
      execFileSync("git", args, { cwd: directory, env: isolatedGitEnvironment(directory), encoding: "utf8" }).trim();
    inFar("init", "--quiet", "--object-format=sha256", "--initial-branch=main");
    inFar("commit", "--quiet", "--allow-empty", "-m", "one");
    const poller = await startPoller(directory);
    inFar("commit", "--quiet", "--allow-empty", "-m", "two");
    expect(revisions(await poller.poll())).toEqual([inFar("rev-parse", "HEAD")]);
  });

  it("says what is missing: the default branch, or one that is configured", async () => {
    const repository = createGitRepository();
    repository.git("push", "--quiet", "origin", "main:other");
    execFileSync("git", ["symbolic-ref", "HEAD", "refs/heads/master"], { cwd: repository.path });
    const lost = await startPoller(repository.url, { buildOnFirstRun: true });
    await lost.poll();
    expect(lost.rows.changes).toEqual([]);
    expect(lost.log()).toHaveLength(1);
    expect(lost.log()[0]).toMatch(
      /HEAD (does not resolve|names the branch master).*nothing is followed.*: main, other$/,
    );
    repository.git("push", "--quiet", "origin", ":other");
    expect(revisions(await lost.poll())).toEqual([repository.revision()]);
    expect(lost.log().at(-2)).toMatch(/the only branch main is followed$/);

    const mistyped = await startPoller(repository.url, { branches: ["mian", "main"] });
    await mistyped.poll();
    expect(mistyped.log().filter((line) => line.includes("these configured branches do not exist: mian"))).toHaveLength(
      1,
    );
  });

  it("takes commits for what they are, whatever their files, messages and encodings say", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url);
    const forged = "a".repeat(40);
    const names = [`\u0001${forged}`, forged, ":100644 100644 1 2 M", ":", "\nx"];
    // In UTF-7 "+AAA-" is a NUL character.
    const message = `x+AAA-+AAA-${forged}+AAA-evil <e@v>+AAA-evil+AAA-1+AAA-forged+AAA-`;
    const input = [
      `commit refs/heads/main\ncommitter C <c@d> 1800000000 +0000\nencoding UTF-7\ndata ${message.length}\n${message}\nfrom refs/heads/main^0\n`,
      ...names.map((name) => `M 100644 inline ${JSON.stringify(name).replaceAll("\\u0001", "\\001")}\ndata 1\n1\n`),
      "commit refs/heads/main\ncommitter D <d@e> 1800000001 +0000\ndata 1\ny\n",
    ].join("");
    execFileSync("git", ["fast-import", "--quiet"], { cwd: repository.path, input });
    const changes = await poller.poll();
    expect(changes.map(({ author, files }) => [author, files?.toSorted()])).toEqual([
      ["C <c@d>", names.toSorted()],
      ["D <d@e>", []],
    ]);
    expect(changes.map(({ revision }) => revision)).not.toContain(forged);
  });

  it("goes on though the config's own functions fail", async () => {
    const repository = createGitRepository();
    const fail = () => {
      throw new Error("no");
    };
    const poller = await startPoller(repository.url, {
      branches: (branch) => branch === "main" || fail(),
      category: fail,
    });
    repository.commit({ branch: "side" });
    const pushed = repository.commit();
    expect((await poller.poll()).map(({ revision, category }) => [revision, category])).toEqual([[pushed, null]]);
    expect(poller.log().some((line) => line.includes('"branches" failed on these'))).toBe(true);
  });
});

describe("a git poller of a repository of another user", () => {
  it("says which directory it is and what to do", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.path, { env: { GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" } });
    expect(poller.log().at(-1)).toBe(
      `cannot poll ${repository.path}: git ls-remote: ${repository.path} belongs to another user; if it is to be trusted: git config --global --add safe.directory ${repository.path}`,
    );
  });

  it("says it once, and again when it comes back or is another", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.path);
    const elsewhere = join(repository.path, "..", "elsewhere.git");
    const failures = () => poller.log().filter((line) => line.startsWith("cannot poll")).length;
    for (const expected of [1, 2]) {
      renameSync(repository.path, elsewhere);
      await poller.poll();
      await poller.poll();
      expect(failures()).toBe(expected);
      renameSync(elsewhere, repository.path);
      await poller.poll();
    }
  });
});

describe("a push too large for one transaction", () => {
  /** Commits on two lines that are merged at the end. */
  function pushMany(repository: ReturnType<typeof createGitRepository>, count: number): void {
    const stream = Array.from({ length: count }, (_, i) => {
      const line = i % 2 === 0 ? "one" : "two";
      const from = i < 2 ? "from refs/heads/main^0\n" : "";
      return `commit refs/tmp/${line}\ncommitter A <a@b.c> ${1_800_000_000 + i} +0000\ndata 1\nc\n${from}`;
    });
    const merge =
      "commit refs/heads/main\ncommitter A <a@b.c> 1900000000 +0000\ndata 1\nm\nfrom refs/tmp/one\nmerge refs/tmp/two\n";
    execFileSync("git", ["fast-import", "--quiet", "--force"], {
      cwd: repository.path,
      input: stream.join("") + merge,
    });
  }

  it("is reported in pieces, and each commit once though the poll is cut short after any of them", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url);
    pushMany(repository, 1000);
    const head = execFileSync("git", ["rev-parse", "main"], { cwd: repository.path, encoding: "utf8" }).trim();
    const { rows } = poller;
    const sizes: number[] = [];
    const push = rows.changes.push.bind(rows.changes);
    let left = 2;
    rows.changes.push = (...items) => {
      sizes.push(items.length);
      left -= 1;
      rows.lost = left <= 0;
      return push(...items);
    };
    for (let round = 0; round < 2; round += 1) {
      left = 2;
      await poller.poll();
      rows.lost = false;
    }
    left = 100;
    await poller.poll();
    expect(new Set(revisions(rows.changes)).size).toBe(1001);
    expect(rows.changes).toHaveLength(1001);
    expect(rows.changes.at(-1)?.revision).toBe(head);
    expect(sizes.every((size) => size <= 200)).toBe(true);
    expect(rows.state.get("lastRev")).toEqual({ main: head });
    expect(rows.state.get("progress")).toBeNull();
  });

  it("lets other work have its turn between the pieces", async () => {
    const repository = createGitRepository();
    const rows = createSourceRows();
    const poller = await startPoller(repository.url, {}, rows);
    pushMany(repository, 600);
    let turns = 0;
    const between: number[] = [];
    const turn = () => {
      turns += 1;
      immediate = setImmediate(turn);
    };
    let immediate = setImmediate(turn);
    const push = rows.changes.push.bind(rows.changes);
    rows.changes.push = (...items) => {
      between.push(turns);
      return push(...items);
    };
    await poller.poll();
    clearImmediate(immediate);
    expect(between.length).toBeGreaterThan(2);
    expect(new Set(between).size).toBe(between.length);
  });

  it("lists so many files of a commit and says how many more there are", async () => {
    const repository = createGitRepository();
    const poller = await startPoller(repository.url);
    const files = Array.from({ length: 10_005 }, (_, i) => `M 100644 inline f${i}\ndata 0\n`);
    const input = `commit refs/heads/main\ncommitter A <a@b.c> 1800000000 +0000\ndata 1\nc\nfrom refs/heads/main^0\n${files.join("")}`;
    execFileSync("git", ["fast-import", "--quiet"], { cwd: repository.path, input });
    const [change] = await poller.poll();
    expect(change?.files).toHaveLength(10_001);
    expect(change?.files?.at(-1)).toBe("… and 5 more files");
  });
});
