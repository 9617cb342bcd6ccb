import { type Clock, systemClock } from "@multimaster/core";
import type { LiveEvent, LiveEvents } from "@multimaster/data";
import { expect, it, vi } from "vitest";
import { answerCommand } from "./commands.ts";
import type { ListeningRights } from "./rights.ts";
import { Subscriptions } from "./subscriptions.ts";

/** A cluster in which a test says what happens. */
function createCluster() {
  const listeners: ((event: LiveEvent) => void)[] = [];
  const live: LiveEvents = {
    patterns: 0,
    watch(_pattern, listener) {
      listeners.push(listener);
      return { ready: Promise.resolve(), end: () => void listeners.splice(listeners.indexOf(listener), 1) };
    },
  };
  return { live, listeners, tell: (event: LiveEvent) => void listeners.map((listener) => listener(event)) };
}

function listen(mayRead: ListeningRights["mayRead"]) {
  const cluster = createCluster();
  const heard: string[] = [];
  const timers = new Set<() => void>();
  const clock: Clock = {
    ...systemClock,
    after(_ms, fn) {
      timers.add(fn);
      return { cancel: () => void timers.delete(fn) };
    },
  };
  const subscriptions = new Subscriptions(
    {
      live: cluster.live,
      rights: { identify: async () => ({}), mayRead, maxPaths: () => 5_000, longestMs: () => 1, addressOf: () => "" },
      clock,
    },
    {},
    (event) => heard.push(event.key.join("/")),
  );
  const ask = (cmd: string) => (path: string) => answerCommand({ cmd, path, _id: 1 }, subscriptions);
  const letTimePass = () => {
    for (const fn of timers) fn();
  };
  return {
    ...cluster,
    subscriptions,
    heard,
    timers,
    letTimePass,
    start: ask("startConsuming"),
    stop: ask("stopConsuming"),
  };
}

it("refuses a path that the listener may not read", async () => {
  const { start, listeners } = listen((_, [first]) => first !== "control");
  expect(await start("control/*/*/*")).toMatchObject({ code: 403, _id: 1 });
  expect(await start("builds/*/*")).toMatchObject({ code: 200 });
  expect(listeners).toHaveLength(1);
});

it("asks again for each event, with its object, so that a wildcard opens nothing and a right can be taken away", async () => {
  let allowed = 1;
  const { start, tell, heard } = listen(
    (_, path, object) => path.includes("*") || (object as { builderid: number }).builderid === allowed,
  );
  await start("builds/*/*");
  const say = (id: string, builderid: number) => tell({ key: ["builds", id, "new"], payload: { builderid } });
  say("1", 1);
  say("2", 2);
  allowed = 0;
  say("3", 1);
  expect(heard).toEqual(["builds/1/new"]);
});

it("delivers what came between a stop and a start immediately after the start, and nothing before", async () => {
  const { start, stop, tell, heard, timers } = listen(() => true);
  const say = (event: string) => tell({ key: ["builds", "1", event], payload: {} });
  await start("builds/*/*");
  say("new");
  await stop("builds/*/*");
  say("update");
  say("finished");
  expect(heard).toEqual(["builds/1/new"]);
  expect(await stop("builds/*/*")).toMatchObject({ code: 400 });
  await start("builds/*/*");
  expect(heard).toEqual(["builds/1/new", "builds/1/update", "builds/1/finished"]);
  say("new");
  expect(heard).toHaveLength(4);
  expect(timers.size).toBe(0);
});

it("forgets a path that stays stopped, or of which more happens than it may keep", async () => {
  const { start, stop, tell, heard, listeners, letTimePass, timers } = listen(() => true);
  const say = () => tell({ key: ["builds", "1", "update"], payload: {} });
  await start("builds/*/*");
  await stop("builds/*/*");
  letTimePass();
  expect(listeners).toEqual([]);
  await start("builds/*/*");
  await stop("builds/*/*");
  for (let i = 0; i <= 1_000; i++) say();
  expect(listeners).toEqual([]);
  await start("builds/*/*");
  expect(heard).toEqual([]);
  await stop("builds/*/*");
  expect(listeners).toHaveLength(1);
  expect(timers.size).toBe(1);
});

it("lets no one fill the memory with paths", async () => {
  const { start, stop, listeners, subscriptions } = listen(() => true);
  for (let i = 0; i < 5_000; i++) await start(`steps/${i}/*`);
  expect(await start("steps/5000/*")).toMatchObject({ code: 400, error: "too many paths on one connection" });
  await stop("steps/2/*");
  expect(await start("steps/5000/*")).toMatchObject({ code: 200 });
  expect(listeners).toHaveLength(5_000);
  expect(await start("steps/1/*")).toMatchObject({ code: 200 });
  expect(await start("x".repeat(1_001))).toMatchObject({ code: 400, error: "the path is too long" });
  subscriptions.end();
  expect(listeners).toEqual([]);
});

it("does not check other paths when it refuses one, so that a flood of refused commands costs no more than its bytes", async () => {
  const { start, stop } = listen(() => true);
  for (let i = 0; i < 5_000; i++) await start(`steps/${i}/*`);
  const walks = vi.spyOn(Map.prototype, Symbol.iterator);
  try {
    for (let i = 0; i < 100; i++) expect(await start(`builds/${i}/*`)).toMatchObject({ code: 400 });
    expect(walks).not.toHaveBeenCalled();
  } finally {
    walks.mockRestore();
  }
  // One that was stopped and started again counts, one that was stopped makes way.
  await stop("steps/7/*");
  await start("steps/7/*");
  expect(await start("builds/1/*")).toMatchObject({ code: 400 });
  await stop("steps/8/*");
  expect(await start("builds/1/*")).toMatchObject({ code: 200 });
  expect(await start("builds/2/*")).toMatchObject({ code: 400 });
});
