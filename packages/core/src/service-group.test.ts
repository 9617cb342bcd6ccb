import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { silentLog } from "./log.ts";
import type { Service } from "./service.ts";
import { ServiceGroup } from "./service-group.ts";

function record(
  name: string,
  journal: string[],
  faults: { start?: boolean; stop?: boolean; ready?: string } = {},
): Service {
  return {
    name,
    async start() {
      if (faults.start) throw new Error(`${name} cannot start`);
      journal.push(`start ${name}`);
    },
    async drain() {
      journal.push(`drain ${name}`);
    },
    async stop() {
      journal.push(`stop ${name}`);
      if (faults.stop) throw new Error(`${name} cannot stop`);
    },
    ready: () => faults.ready ?? true,
  };
}

describe("services under one roof", () => {
  it("start and drain in order, and stop in reverse, once", async () => {
    const journal: string[] = [];
    const services = new ServiceGroup("group", [record("a", journal), record("b", journal)], silentLog);
    await services.start();
    await services.drain(new AbortController().signal);
    expect(services.stop()).toBe(services.stop());
    await services.stop();
    expect(journal).toEqual(["start a", "start b", "drain a", "drain b", "stop b", "stop a"]);
  });

  it("whose drain is undone take work again, and those not yet asked are not asked any more", async () => {
    const journal: string[] = [];
    let proceed = () => {};
    const slow: Service = {
      ...record("slow", journal),
      drain: () => new Promise((resolve) => (proceed = resolve)),
      async resume() {
        journal.push("resume slow");
        proceed();
      },
      left: () => ({ builds: 2 }),
    };
    const services = new ServiceGroup(
      "group",
      [slow, { ...record("b", journal), left: () => ({ builds: 1, workers: 4 }) }],
      silentLog,
    );
    await services.start();
    expect(services.left()).toEqual({ builds: 3, workers: 4 });
    const drained = services.drain(new AbortController().signal);
    expect(services.ready()).toEqual(["the master is draining"]);
    await services.resume();
    await drained;
    expect(services.ready()).toBe(true);
    expect(journal).toEqual(["start slow", "start b", "resume slow"]);
  });

  it("drain once; a second request waits for the end of the first", async () => {
    let finish = () => {};
    const slow: Service = { ...record("slow", []), drain: () => new Promise((resolve) => (finish = resolve)) };
    const services = new ServiceGroup("group", [slow], silentLog);
    await services.start();
    const ended: string[] = [];
    const signal = new AbortController().signal;
    const both = ["first", "second"].map((name) => services.drain(signal).then(() => ended.push(name)));
    await setImmediate();
    expect(ended).toEqual([]);
    finish();
    await Promise.all(both);
    expect(ended).toEqual(["first", "second"]);
  });

  it("that cannot start take those before them down again", async () => {
    const journal: string[] = [];
    const services = new ServiceGroup(
      "group",
      [record("a", journal), record("b", journal, { start: true }), record("c", journal)],
      silentLog,
    );
    await expect(services.start()).rejects.toThrow("b cannot start");
    expect(journal).toEqual(["start a", "stop a"]);
  });

  it("stop each other's failures notwithstanding", async () => {
    const journal: string[] = [];
    const services = new ServiceGroup("group", [record("a", journal), record("b", journal, { stop: true })], silentLog);
    await services.start();
    await services.stop();
    expect(journal).toEqual(["start a", "start b", "stop b", "stop a"]);
  });

  it("stopped while starting start no further ones, and stop what had started", async () => {
    const journal: string[] = [];
    let release = () => {};
    const slow: Service = {
      name: "slow",
      start: () => new Promise((resolve) => (release = resolve)),
      async stop() {
        journal.push("stop slow");
        release();
      },
    };
    const services = new ServiceGroup("group", [record("a", journal), slow, record("c", journal)], silentLog);
    const starting = services.start();
    await setImmediate();
    await services.stop();
    await starting;
    expect(journal).toEqual(["start a", "stop slow", "stop a"]);
  });

  it("are ready when all are, and say which is not, and why", async () => {
    const services = new ServiceGroup("group", [record("a", []), record("b", [], { ready: "no port yet" })], silentLog);
    expect(services.ready()).toEqual(["the master is starting"]);
    await services.start();
    expect(services.ready()).toEqual(["b: no port yet"]);
    await services.drain(new AbortController().signal);
    expect(services.ready()).toEqual(["the master is draining"]);
  });
});

describe("groups in a group", () => {
  async function started(journal: string[]) {
    const inner = new ServiceGroup("inner", [record("b", journal)], silentLog);
    const outer = new ServiceGroup("outer", [record("a", journal), inner], silentLog);
    await outer.start();
    return { inner, outer };
  }

  it("are started, drained and stopped as any service, and give their reasons as they are", async () => {
    const journal: string[] = [];
    const { outer } = await started(journal);
    await outer.add(new ServiceGroup("broken", [record("d", journal, { ready: "no port yet" })], silentLog));
    expect(outer.ready()).toEqual(["d: no port yet"]);
    await outer.drain(new AbortController().signal);
    await outer.stop();
    expect(journal).toEqual([
      ...["start a", "start b", "start d", "drain a", "drain b", "drain d", "stop d", "stop b", "stop a"],
    ]);
  });

  it("come and go while the others run, at their place of the order", async () => {
    const journal: string[] = [];
    const { outer, inner } = await started(journal);
    await outer.add(record("c", journal), 1);
    await outer.remove(inner);
    await expect(outer.add(record("bad", journal, { start: true, ready: "not started" }))).rejects.toThrow(
      "bad cannot start",
    );
    expect(outer.ready()).toBe(true);
    await outer.add(record("e", journal));
    await outer.stop();
    expect(journal).toEqual(["start a", "start b", "start c", "stop b", "start e", "stop e", "stop c", "stop a"]);
    await expect(outer.add(record("late", journal))).rejects.toThrow("late cannot be started: the master is stopped");
  });

  it("one of which was drained by itself take work again when the drain of all is undone", async () => {
    const journal: string[] = [];
    const { outer, inner } = await started(journal);
    await inner.drain(new AbortController().signal);
    expect(outer.ready()).toEqual(["the master is draining"]);
    await outer.drain(new AbortController().signal);
    await outer.resume();
    expect([outer.ready(), journal.filter((line) => line === "drain b")]).toEqual([true, ["drain b"]]);
  });
});

describe("a service that fails again and again", () => {
  const failing = (name: string, seconds: number, more: object = {}): Service => ({
    name,
    start: async () => {},
    stop: async () => {},
    failure: () => ({ since: Date.now() - seconds * 1000, cause: `${name} is broken` }),
    ...more,
  });

  it("makes what runs not ready after a while, unless it only tidies up or the database is away, and is listed", async () => {
    const services = new ServiceGroup(
      "group",
      [
        failing("brief", 1),
        failing("long", 20),
        failing("tidying", 20, { isHousekeeping: true }),
        failing("cut off", 20, { failure: () => ({ since: 0, cause: "no database", error: "away" }) }),
      ],
      silentLog,
      { failedAfterMs: 10_000, isPassing: (error) => error === "away" },
    );
    expect(services.failures()).toEqual([]);
    await services.start();
    expect(services.ready()).toEqual([expect.stringMatching(/^long: has failed since \d{4}-.*Z: long is broken$/)]);
    expect(services.failures().map(({ service, cause }) => [service, cause])).toEqual([
      ["long", "long is broken"],
      ["tidying", "tidying is broken"],
    ]);
    const outer = new ServiceGroup("outer", [services], silentLog);
    await outer.start();
    expect(outer.ready()).toEqual([expect.stringMatching(/^long: has failed since/)]);
    expect(outer.ready("strangers")).toEqual([expect.stringMatching(/^long: has failed since \d{4}-[^ ]*Z$/)]);
    expect(outer.failures().map(({ service }) => service)).toEqual(["long", "tidying"]);
  });
});
