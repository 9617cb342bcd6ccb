import { existsSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Logger, silentLog } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { afterEach, describe, expect, it } from "vitest";
import {
  createFakeClock,
  createSourceRows,
  fakeSourceContext,
} from "../../../../test/contract/plugin-scheduler.fakes.ts";
import { createGitRepository } from "../../../../test/harness/git-repository.ts";
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
  // A poll begins with listing branches and ends asleep: the sleep is what tells that it is over.
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
  it("tells all about a commit", async () => {
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
    const { execFileSync } = await import("node:child_process");
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
    const { execFileSync } = await import("node:child_process");
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
    const { renameSync } = await import("node:fs");
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

  it("fetches anew when its local copy is damaged, and loses nothing", async () => {
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
