import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineLock } from "@multimaster/config";
import { Results } from "@multimaster/core";
import { lockWaits } from "@multimaster/data";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { startEngine } from "../../harness/engine.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { newDatabaseUrl } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** A command that runs until a test lets it end, and says that it has begun. */
function createGate() {
  const directory = temporaryDirectory("gate");
  const [begun, end] = [join(directory, "begun"), join(directory, "end")];
  return {
    command: `touch ${begun}; while ! test -e ${end}; do sleep 0.02; done`,
    begun: () => waitFor(() => existsSync(begun), { what: "the build that has the lock" }),
    open: () => writeFileSync(end, ""),
  };
}

const mapValues = <K extends string, V, T>(record: Readonly<Record<K, V>>, map: (value: V) => T) =>
  Object.fromEntries(Object.entries<V>(record).map(([key, value]) => [key, map(value)])) as Record<K, T>;

const wants = (lock: string) => ({ properties: { lock: [lock, "Test"] as const } });

describe("locks that a function names", () => {
  it("start a request whose lock is free, however many wait before it, and the others in their order", async () => {
    const gate = createGate();
    let asked = 0;
    const engine = await startEngine(
      { holder: [shell({ command: gate.command })], child: [shell({ command: "true" })] },
      {
        url: await newDatabaseUrl("postgresql"),
        workers: { workers: [{ name: "w1", local: true, maxBuilds: 4 }] },
        moreOf: {
          holder: { locks: [defineLock({ name: "x" }).exclusive()] },
          child: {
            locks: (build) => {
              asked += 1;
              return [defineLock({ name: String(build.property("lock")) }).exclusive()];
            },
          },
        },
      },
    );
    const holder = await engine.submit("holder");
    await gate.begun();
    const waiting: number[] = [];
    for (let i = 0; i < 40; i++) waiting.push(await engine.submit("child", wants("x")));
    const free = await engine.submit("child", wants("y"));
    expect((await engine.finished(free)).map(({ results }) => results)).toEqual([Results.SUCCESS]);
    const firstWaits = async () => (await engine.data.find(lockWaits, {})).rows[0]?.buildrequestid === waiting[0];
    await waitFor(firstWaits, { what: "the first of them to be in the queue of its lock" });
    const before = asked;
    const others = [await engine.submit("child", wants("y")), await engine.submit("child", wants("y"))];
    for (const id of others) await engine.finished(id);
    // Of those that wait, few are asked about again.
    expect(asked - before).toBeLessThan(20);
    const urgent = await engine.submit("child", { ...wants("x"), priority: 5 });
    gate.open();
    const builds: number[] = [];
    for (const id of [holder, urgent, ...waiting.slice(0, 5)]) {
      const [build] = await engine.finished(id);
      expect(build?.results).toBe(Results.SUCCESS);
      builds.push(build?.buildid ?? 0);
    }
    expect(builds).toEqual(builds.toSorted((a, b) => a - b));
  });

  it("end a build with the reason where they contradict the config, which would let more of them in", async () => {
    const engine = await startEngine(
      { fixed: [shell({ command: "true" })], child: [shell({ command: "true" })] },
      {
        moreOf: {
          fixed: { locks: [defineLock({ name: "x", max: 2 }).counting()] },
          child: { locks: () => [defineLock({ name: "x", max: 7 }).counting(7)] },
        },
      },
    );
    const [build] = await engine.finished(await engine.submit("child"));
    expect(build).toMatchObject({
      results: Results.EXCEPTION,
      state_string: expect.stringContaining('the lock "x" differs from the one of the config in max'),
    });
  });

  it("end a step with the reason where they contradict the config, its build or themselves", async () => {
    const defined = defineLock({ name: "x", max: 2 });
    const wrong = {
      other: [
        () => [defineLock({ name: "x", max: 7 }).counting(7)],
        'the lock "x" differs from the one of the config in max',
      ],
      more: [() => [defined.exclusive()], 'its build already has the lock "x", but less of it'],
      above: [() => [defineLock({ name: "y", max: 2 }).counting(3)], "locks.0.count: must be at most 2"],
      twice: [
        () => [defineLock({ name: "y" }).counting(), defineLock({ name: "y" }).exclusive()],
        "must have each lock once",
      ],
      noLock: [() => ["y"], "must be the use of a lock that `defineLock` defines"],
    } as const;
    const engine = await startEngine(
      mapValues(wrong, ([locks]) => [shell({ command: "true", locks: locks as never })]),
      { moreOf: mapValues(wrong, () => ({ locks: [defined.counting()] })) },
    );
    for (const [builder, [, sentence]] of Object.entries(wrong)) {
      const [build] = await engine.finished(await engine.submit(builder));
      expect(build).toMatchObject({ results: Results.EXCEPTION, state_string: expect.stringContaining(sentence) });
    }
  });

  it("of a worker start a request on another worker that is busier", async () => {
    const gates = [createGate(), createGate(), createGate()] as const;
    const engine = await startEngine(
      {
        holder: [shell({ command: gates[0].command })],
        one: [shell({ command: gates[1].command })],
        two: [shell({ command: gates[2].command })],
        child: [shell({ command: "true" })],
      },
      {
        workers: { workers: ["w1", "w2"].map((name) => ({ name, local: true, maxBuilds: 4 })) },
        moreOf: {
          holder: { workers: ["w1"], locks: [defineLock({ name: "disk", scope: "worker" }).exclusive()] },
          one: { workers: ["w2"] },
          two: { workers: ["w2"] },
          child: { workers: ["w1", "w2"], locks: () => [defineLock({ name: "disk", scope: "worker" }).exclusive()] },
        },
      },
    );
    for (const builder of ["holder", "one", "two"]) await engine.submit(builder);
    for (const gate of gates) await gate.begun();
    const [build] = await engine.finished(await engine.submit("child"));
    expect(build?.results).toBe(Results.SUCCESS);
    for (const gate of gates) gate.open();
  });

  it("which depend on the worker start a request where they are free", async () => {
    const gate = createGate();
    const lockOf = (worker: unknown) => defineLock({ name: `of ${worker}` }).exclusive();
    const engine = await startEngine(
      { holder: [shell({ command: gate.command })], child: [shell({ command: "true" })] },
      {
        workers: { workers: ["w1", "w2"].map((name) => ({ name, local: true, maxBuilds: 4 })) },
        moreOf: {
          holder: { workers: ["w2"], locks: [lockOf("w1")] },
          child: { workers: ["w1", "w2"], locks: (build) => [lockOf(build.property("workername"))] },
        },
      },
    );
    await engine.submit("holder");
    await gate.begun();
    const [build] = await engine.finished(await engine.submit("child"));
    expect((await engine.properties(build?.buildid ?? 0))["workername"]?.[0]).toBe("w2");
    gate.open();
  });
});
