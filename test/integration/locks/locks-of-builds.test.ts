import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineLock } from "@multimaster/config";
import { Results } from "@multimaster/core";
import { builds, equals, explainRequests, lockWaits } from "@multimaster/data";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it, vi } from "vitest";
import { BuildDeadline } from "../../../roles/builder-engine/builds/build-deadline.ts";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

const workers = { workers: [{ name: "w1", local: true, maxBuilds: 4 }] };

/** Commands that note in a file when they begin and when they end, and commands that wait until a test lets them go on. */
function createLedger() {
  const directory = temporaryDirectory("ledger");
  const file = join(directory, "ledger");
  const gate = join(directory, "gate");
  const noted = (name: string, act: string) => `echo +${name} >> ${file}; ${act}; echo -${name} >> ${file}`;
  return {
    command: (name: string) => noted(name, "sleep 0.05"),
    gated: (name: string) => noted(name, `while ! test -e ${gate}; do sleep 0.02; done`),
    opening: (name: string) => noted(name, `touch ${gate}`),
    open: () => writeFileSync(gate, ""),
    entries: () => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []),
  };
}

const resultsOf = async (engine: Engine, requests: readonly number[]) => {
  const found = await Promise.all(requests.map((id) => engine.finished(id)));
  return found.flat().map(({ results }) => results);
};

describe("the locks of builds", () => {
  it("keep a request pending, without a worker, until the build before has ended", async () => {
    const { command, gated, open, entries } = createLedger();
    const db = defineLock({ name: "db" });
    const engine = await startEngine(
      {
        a: [shell({ command: gated("a") })],
        b: [shell({ command: command("b") })],
        c: [shell({ command: command("c") })],
      },
      { workers, more: { locks: [db.exclusive()] } },
    );
    const first = await engine.submit("a");
    await waitFor(() => entries().length === 1, { what: "the first build" });
    const second = await engine.submit("b");
    const urgent = await engine.submit("c", { priority: 5 });
    const waiting = async () => (await engine.data.find(lockWaits, {})).rows.map((row) => row.buildrequestid);
    await waitFor(async () => (await waiting()).length === 2, { what: "the others to wait" });
    // By priority, then by age.
    expect(await waiting()).toEqual([urgent, second]);
    expect(await engine.running()).toBe(1);
    const why = await explainRequests(engine.database, [second, urgent]);
    const sentence = (ahead: string) =>
      `On ${engine.lease.name}, lock db is held by a #1 on ${engine.lease.name}${ahead}.`;
    expect(why.get(urgent)?.map((reason) => reason.sentence)).toEqual([sentence("")]);
    expect(why.get(second)?.map((reason) => reason.sentence)).toEqual([sentence(", 1 ahead of it")]);
    open();
    expect(await resultsOf(engine, [first, second, urgent])).toEqual(Array(3).fill(Results.SUCCESS));
    expect(entries()).toEqual(["+a", "-a", "+c", "-c", "+b", "-b"]);
  });

  it("do not hold back requests that need none", async () => {
    const { gated, opening, entries } = createLedger();
    const db = defineLock({ name: "db" });
    const engine = await startEngine(
      {
        a: [shell({ command: gated("a") })],
        b: [shell({ command: gated("b") })],
        free: [shell({ command: opening("free") })],
      },
      // A function of the build that sees a property of the builder.
      { workers, more: { locks: (build) => (build.property("buildername") === "free" ? [] : [db.exclusive()]) } },
    );
    const all = [await engine.submit("a"), await engine.submit("b")];
    await waitFor(async () => (await engine.data.find(lockWaits, {})).total === 1, { what: "the second to wait" });
    all.push(await engine.submit("free"));
    expect(await resultsOf(engine, all)).toEqual(Array(3).fill(Results.SUCCESS));
    expect(entries().indexOf("-a")).toBeLessThan(entries().indexOf("+b"));
  });

  it("end the build, with the reason, when they cannot be rendered", async () => {
    const engine = await startEngine(
      { a: [shell({ command: "true" })] },
      {
        more: {
          locks: () => {
            throw new Error("no board of that kind");
          },
        },
      },
    );
    const [build] = await engine.finished(await engine.submit("a"));
    expect(build?.results).toBe(Results.EXCEPTION);
    expect(build?.state_string).toContain("no board of that kind");
  });

  it("whose function blocks end that build; the others of its builder wait, and those of other builders go on", async () => {
    const engine = await startEngine(
      { a: [shell({ command: "true" })], free: [shell({ command: "true" })] },
      {
        workers,
        more: {
          locks: (build) => {
            while (build.property("buildername") === "a");
            return [];
          },
        },
      },
    );
    const [build] = await engine.finished(await engine.submit("a"));
    const blocked = "it blocked its master for 1000 ms without returning, and was ended";
    expect(build?.state_string).toContain(blocked);
    const second = await engine.submit("a");
    const [free] = await engine.finished(await engine.submit("free"));
    expect(free?.results).toBe(Results.SUCCESS);
    await waitFor(
      async () =>
        (await explainRequests(engine.database, [second]))
          .get(second)
          ?.some(({ sentence }) => sentence.includes('"locks"') && sentence.includes(blocked)),
      { what: "the reason of the second" },
    );
  });

  it("whose function hangs delay only the requests of its builder, which show it", async () => {
    let answer: () => void = () => undefined;
    const hangs = new Promise<never[]>((resolve) => (answer = () => resolve([])));
    const engine = await startEngine(
      { a: [shell({ command: "true" })], free: [shell({ command: "true" })], locked: [shell({ command: "true" })] },
      {
        workers,
        moreOf: { a: { locks: () => hangs }, locked: { locks: [defineLock({ name: "db" }).exclusive()] } },
      },
    );
    const first = await engine.submit("a");
    const others = [await engine.submit("free"), await engine.submit("locked")];
    const quick = (await Promise.all(others.map((id) => engine.finished(id)))).flat();
    expect(quick.map(({ results }) => results)).toEqual([Results.SUCCESS, Results.SUCCESS]);
    const second = await engine.submit("a");
    await waitFor(
      async () => {
        const reasons = (await explainRequests(engine.database, [second])).get(second) ?? [];
        return reasons.some(({ sentence }) =>
          /"locks" of the config of .* refuses .*(has not answered yet|did not answer within 5 s)/.test(sentence),
        );
      },
      { what: "the reason" },
    );
    answer();
    const [late] = await engine.finished(first);
    for (const { buildid } of quick) expect(buildid).toBeLessThan(late?.buildid ?? 0);
  });

  it("give a build one of the named resources, as a property", async () => {
    const { command, gated, open, entries } = createLedger();
    const board = defineLock({ name: "board", resources: ["b1", "b2"] });
    const engine = await startEngine(
      {
        a: [shell({ command: gated("a") })],
        b: [shell({ command: gated("b") })],
        c: [shell({ command: command("c") })],
      },
      { workers, more: { locks: [board.counting()] } },
    );
    const requests = [await engine.submit("a"), await engine.submit("b")];
    await waitFor(() => entries().length === 2, { what: "two builds" });
    requests.push(await engine.submit("c"));
    await waitFor(async () => (await engine.data.find(lockWaits, {})).total === 1, { what: "the third to wait" });
    open();
    expect(await resultsOf(engine, requests)).toEqual(Array(3).fill(Results.SUCCESS));
    const got = await Promise.all([1, 2, 3].map(async (id) => (await engine.properties(id))["lock_board"]?.[0]));
    expect(got.slice(0, 2).sort()).toEqual(["b1", "b2"]);
    expect(["b1", "b2"]).toContain(got[2]);
  });
});

describe("the locks of steps", () => {
  it("are taken together, in whatever order they are written, so that all builds end", async () => {
    const { command, entries } = createLedger();
    const x = defineLock({ name: "x" });
    const y = defineLock({ name: "y" });
    const step = (name: string, ...locks: (typeof x)[]) =>
      shell({ command: command(name), locks: locks.map((lock) => lock.exclusive()) });
    const engine = await startEngine(
      { a: [step("a", x, y), step("a", y, x)], b: [step("b", y, x), step("b", x, y)], c: [step("c", y)] },
      { workers },
    );
    const all = [await engine.submit("a"), await engine.submit("b"), await engine.submit("c")];
    expect(await resultsOf(engine, all)).toEqual(Array(3).fill(Results.SUCCESS));
    const list = entries();
    expect(list).toHaveLength(10);
    for (let i = 0; i < list.length; i += 2) expect(list[i + 1]).toBe(`-${list[i]?.slice(1)}`);
    const waited = (await engine.data.find(builds, {})).rows.map(({ locks_duration_s }) => locks_duration_s);
    expect(waited).toHaveLength(3);
  });

  it("make a step wait that a user can stop, and do not stay with it", async () => {
    const db = defineLock({ name: "db" });
    const hold = shell({ command: "sleep 600", locks: [db.exclusive()] });
    const standing = vi.spyOn(BuildDeadline.prototype, "during");
    const engine = await startEngine(
      { a: [hold], b: [hold], c: [shell({ command: "true", locks: [db.counting()] })] },
      { workers },
    );
    const a = await engine.submit("a");
    const stateOf = async (request: number) => {
      const [build] = (await engine.data.find(builds, { filters: [equals("buildrequestid", request)] })).rows;
      return build && { ...build, step: (await engine.stepsOf(build.buildid))[1]?.state_string };
    };
    await waitFor(async () => (await stateOf(a))?.step?.includes("sleep"), { what: "the holder" });
    const b = await engine.submit("b");
    await waitFor(async () => (await stateOf(b))?.step === "waiting for lock db", { what: "the waiter" });
    await engine.data.updates.builds.requestStop((await stateOf(b))?.buildid as number, "not needed");
    expect((await engine.finished(b)).map(({ results }) => results)).toEqual([Results.CANCELLED]);
    const c = await engine.submit("c");
    await waitFor(async () => (await stateOf(c))?.step === "waiting for lock db", { what: "the next waiter" });
    await engine.data.updates.builds.requestStop((await stateOf(a))?.buildid as number, "not needed");
    expect(await resultsOf(engine, [c])).toEqual([Results.SUCCESS]);
    // Each of them while the time of its build stood still.
    expect(standing).toHaveBeenCalledTimes(3);
    standing.mockRestore();
  });
});
