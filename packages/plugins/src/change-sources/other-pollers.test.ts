import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { PluginDescriptor } from "@multimaster/config";
import { type Logger, silentLog } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { afterEach, describe, expect, it } from "vitest";
import { createFakeClock, createSourceRows, fakeSourceContext } from "../../../../test/harness/scheduler-fakes.ts";
import { temporaryDirectory } from "../../../../test/harness/temporary-directory.ts";
import { startHg, startSvn } from "../../../../test/harness/version-control.ts";
import { waitFor } from "../../../../test/harness/wait-for.ts";
import type { ChangeSourceDefinition } from "../define-change-source.ts";
import hgPoller from "./hg-poller.ts";
import svnPoller from "./svn-poller.ts";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A poller on a master of its own; the rows are what masters share. */
async function startPoller(descriptor: PluginDescriptor<"change-source">, rows = createSourceRows()) {
  const plugin = descriptor.plugin as ChangeSourceDefinition;
  const clock = createFakeClock();
  const lines: string[] = [];
  const log: Logger = Object.create(silentLog);
  log.info = log.warn = (_: unknown, line?: string) => void lines.push(String(line));
  let sleeps = 0;
  const counting = {
    ...clock,
    sleep(ms: number, signal?: AbortSignal) {
      sleeps++;
      return clock.sleep(ms, signal);
    },
  };
  const directory = join(temporaryDirectory("poller"), "own");
  const context = fakeSourceContext(rows, directory, counting, log);
  const poller = await plugin.start(context, plugin.options.parse(descriptor.options));
  ends.push(() => poller.stop());
  const until = (count: number) => waitFor(() => sleeps >= count, { what: "a poll to end", intervalMs: 5 });
  await until(1);
  return {
    rows,
    lines,
    async poll(): Promise<NewChange[]> {
      const [before, at] = [rows.changes.length, sleeps];
      poller.wake?.();
      await until(at + 1);
      return rows.changes.slice(before);
    },
  };
}

/** The claim is lost after so many transactions: what they added stays. */
function loseAfter(rows: ReturnType<typeof createSourceRows>, transactions: number): void {
  let left = transactions;
  const { state } = rows;
  const set = state.set.bind(state);
  state.set = (name, value) => {
    left -= 1;
    if (left === 0) rows.lost = true;
    return set(name, value);
  };
}

describe("the svn poller", { timeout: 240_000 }, () => {
  it("reports each revision of each branch once, whichever master polls", async () => {
    const password = "svn-Secret1";
    const repository = await startSvn(password);
    ends.push(repository.stop);
    const options = {
      repository: repository.url,
      splitFile: "branches",
      credentials: { username: "ci", password },
      revlink: "https://example.org/r{revision}",
    } as const;
    const first = await startPoller(svnPoller(options));
    expect([first.rows.changes, first.rows.state.get("last_change")]).toEqual([[], 1]);
    repository.commit({ "d/f": "1", g: "1" }, { message: "Müll\n\nmore" });
    expect(await first.poll()).toEqual([
      {
        author: "ada",
        comments: "Müll\n\nmore",
        files: ["d", "d/f", "g"],
        revision: "2",
        branch: "trunk",
        whenTimestamp: expect.any(Number),
        category: null,
        revlink: "https://example.org/r2",
        repository: repository.url,
        project: "",
        codebase: "",
      },
    ]);
    repository.mucc("-m", "branch", "cp", "HEAD", "trunk", "branches/one");
    repository.mucc("-m", "both", "mkdir", "tags/t", "mkdir", "trunk/x", "mkdir", "branches/one/y");
    repository.mucc("-m", "end of the branch", "rm", "branches/one");
    // The first master dies after one transaction; another goes on.
    loseAfter(first.rows, 1);
    const part = await first.poll();
    first.rows.lost = false;
    const second = await startPoller(svnPoller(options), first.rows);
    expect(await second.poll()).toEqual([]);
    expect(first.rows.changes.slice(1).map(({ revision, branch, files }) => [revision, branch, files])).toEqual([
      ["3", "branches/one", []],
      ["4", "branches/one", ["y"]],
      ["4", "trunk", ["x"]],
    ]);
    expect(part.length).toBeGreaterThan(0);
    expect(first.rows.state.get("last_change")).toBe(5);
    expect(JSON.stringify([first.lines, second.lines])).not.toContain(password);
  });

  it("reports many revisions in transactions of bounded size, each once though the claim is lost between them", async () => {
    const repository = await startSvn("svn-Secret1");
    ends.push(repository.stop);
    const options = {
      // Not as svn writes it.
      repository: `${repository.url}/./trunk`,
      credentials: { username: "ci", password: "svn-Secret1" },
      buildOnFirstRun: true,
    };
    const poller = await startPoller(svnPoller(options));
    // The newest revision made the directory that is polled.
    expect(poller.rows.changes.map(({ revision, branch, files }) => [revision, branch, files])).toEqual([
      ["1", null, []],
    ]);
    // More files than one transaction takes.
    for (const part of ["a", "b"])
      repository.mucc("-m", part, ...Array.from({ length: 1100 }, (_, at) => ["mkdir", `trunk/${part}${at}`]).flat());
    loseAfter(poller.rows, 1);
    await poller.poll();
    poller.rows.lost = false;
    const next = await startPoller(svnPoller(options), poller.rows);
    await next.poll();
    expect(poller.rows.changes.map(({ revision, files }) => [revision, files?.length])).toEqual([
      ["1", 0],
      ["2", 1100],
      ["3", 1100],
    ]);
    poller.rows.state.set("last_change", 99);
    expect(await next.poll()).toEqual([]);
    expect(next.lines.at(-1)).toContain("its newest revision is 3, and 99 was reported");
  });

  it("says once what prevents it, and again when that comes back", async () => {
    const repository = await startSvn("svn-Secret1");
    ends.push(repository.stop);
    const wrong = { repository: repository.url, credentials: { username: "ci", password: "svn-Wrong11" } };
    const poller = await startPoller(svnPoller(wrong));
    await poller.poll();
    expect(poller.lines).toEqual([expect.stringMatching(/^cannot poll svn:.*: svn log: .*[Aa]uthenticat/)]);
    expect(poller.lines[0]).not.toContain("svn-Wrong11");
  });
});

describe("the hg poller", { timeout: 240_000 }, () => {
  it("reports each changeset of each branch once, whichever master polls, merges included", async () => {
    const password = "hg-Secret1";
    const repository = await startHg(password);
    ends.push(repository.stop);
    const base = repository.commit({ f: "1" });
    const options = {
      repository: repository.url,
      branches: true,
      credentials: { username: "ci", password },
      timeout: "20s",
    } as const;
    const first = await startPoller(hgPoller(options));
    expect([first.rows.changes, first.rows.state.get("lastRev")]).toEqual([[], { default: [base] }]);
    const one = repository.commit({ "d/f": "1" }, { message: "Müll\n\nmore" });
    expect(await first.poll()).toEqual([
      {
        author: "Ada <ada@example.org>",
        comments: "Müll\n\nmore",
        files: ["d/f"],
        revision: one,
        branch: "default",
        whenTimestamp: expect.any(Number),
        category: null,
        revlink: `${repository.url}/rev/${one}`,
        repository: repository.url,
        project: "",
        codebase: "",
      },
    ]);
    // A branch that is merged before it is seen.
    const side = repository.commit({ side: "1" }, { branch: "side" });
    const two = repository.commit({ two: "1" });
    repository.hg("merge", "--quiet", "side");
    const merge = repository.commit({});
    loseAfter(first.rows, 2);
    await first.poll();
    first.rows.lost = false;
    const second = await startPoller(hgPoller(options), first.rows);
    const reported = first.rows.changes.slice(1).map(({ revision, branch }) => [branch, revision]);
    expect(reported.toSorted()).toEqual(
      [
        ["default", two],
        ["default", merge],
        ["side", side],
      ].toSorted(),
    );
    // A second head of a branch counts.
    repository.hg("update", "--quiet", base);
    const head = repository.commit({ other: "1" });
    expect((await second.poll()).map(({ revision }) => revision)).toEqual([head]);
    expect(JSON.stringify([first.lines, second.lines])).not.toContain(password);
  });

  it("reports many changesets in transactions of bounded size, each once though the claim is lost between them", async () => {
    const repository = await startHg();
    ends.push(repository.stop);
    repository.commit({ f: "1" });
    const options = { repository: repository.url };
    const poller = await startPoller(hgPoller(options));
    // More than one command describes.
    const count = 230;
    const patch = Array.from(
      { length: count },
      (_, at) =>
        `# HG changeset patch\n# User a\n# Date ${at} 0\nc${at}\n\ndiff --git a/n${at} b/n${at}\nnew file mode 100644\n`,
    ).join("");
    execFileSync("hg", ["import", "--quiet", "-"], {
      cwd: repository.path,
      input: patch,
      env: { ...process.env, HGPLAIN: "1" },
    });
    loseAfter(poller.rows, 1);
    await poller.poll();
    expect(poller.rows.changes.length).toBeLessThan(count);
    poller.rows.lost = false;
    await startPoller(hgPoller(options), poller.rows);
    expect(poller.rows.changes.map(({ comments }) => comments)).toEqual(
      Array.from({ length: count }, (_, at) => `c${at}`),
    );
  });
});
