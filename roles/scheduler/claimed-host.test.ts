import { silentLog, systemClock } from "@multimaster/core";
import { afterEach, describe, expect, it } from "vitest";
import { ClaimedHost, type SingletonKind } from "./claimed-host.ts";

const masterid = 1;

/** Singletons whose rows are in memory, and what was done with them. */
function createWorld() {
  const ids = new Map<string, number>();
  const holders = new Map<number, number>();
  const log: string[] = [];
  const kind = (version: string, names: readonly string[]): SingletonKind => ({
    noun: "scheduler",
    field: "scheduler",
    names,
    async register(wanted) {
      for (const name of wanted) if (!ids.has(name)) ids.set(name, ids.size + 1);
      return ids;
    },
    readStates: async (wanted) => new Map(wanted.map((id) => [id, { enabled: true, holder: holders.get(id) ?? null }])),
    async claim(id) {
      holders.set(id, masterid);
      return { kind: "claimed" } as never;
    },
    async release(id) {
      log.push(`release ${id}`);
      holders.delete(id);
    },
    async start({ name }) {
      log.push(`start ${name} ${version}`);
      return { stop: async () => void log.push(`stop ${name} ${version}`) };
    },
    listen: async () => async () => undefined,
  });
  return { kind, log, holders };
}

describe("a host whose config changes", () => {
  let host: ClaimedHost | undefined;
  afterEach(() => host?.stop());

  async function start(kind: SingletonKind): Promise<ClaimedHost> {
    host = new ClaimedHost({ kind, masterid, clock: systemClock, log: silentLog, pollMs: 20 });
    await host.start();
    return host;
  }
  const until = (log: readonly string[], count: number) =>
    expect.poll(() => log.length, { timeout: 10_000 }).toBe(count);

  it("lets what is unchanged run on, starts what changed again under its claim, and releases what is gone", async () => {
    const { kind, log, holders } = createWorld();
    const running = await start(kind("v1", ["same", "other", "old"]));
    await until(log, 3);
    await running.takeOver(kind("v2", ["same", "other", "new"]), (name) => name !== "same");
    await until(log, 8);
    expect(log.slice(3).toSorted()).toEqual([
      "release 3",
      "start new v2",
      "start other v2",
      "stop old v1",
      "stop other v1",
    ]);
    expect([...holders.keys()].toSorted()).toEqual([1, 2, 4]);
  });

  it("begins where there was nothing, and ends where nothing is left", async () => {
    const { kind, log, holders } = createWorld();
    const running = await start(kind("v1", []));
    await running.takeOver(kind("v2", ["first"]), () => true);
    await until(log, 1);
    await running.takeOver(kind("v3", []), () => true);
    expect(log).toEqual(["start first v2", "stop first v2", "release 1"]);
    expect(holders.size).toBe(0);
  });

  it("starts nothing while the master drains, and what the new config has when that is undone", async () => {
    const { kind, log } = createWorld();
    const running = await start(kind("v1", ["one"]));
    await until(log, 1);
    await running.drain();
    await running.takeOver(kind("v2", ["two"]), () => true);
    expect(log).toEqual(["start one v1", "stop one v1", "release 1"]);
    await running.resume();
    await until(log, 4);
    expect(log.at(-1)).toBe("start two v2");
  });
});
