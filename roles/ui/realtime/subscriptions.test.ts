import type { LiveEvent, LiveEvents } from "@multimaster/data";
import { expect, it } from "vitest";
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

function listen(rights: ListeningRights["mayRead"]) {
  const cluster = createCluster();
  const heard: string[] = [];
  const subscriptions = new Subscriptions(cluster.live, { identify: async () => ({}), mayRead: rights }, {}, (event) =>
    heard.push(event.key.join("/")),
  );
  const start = (path: string) => answerCommand({ cmd: "startConsuming", path, _id: 1 }, subscriptions);
  return { ...cluster, subscriptions, heard, start };
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

it("lets nobody fill the memory with paths", async () => {
  const { start, listeners, subscriptions } = listen(() => true);
  for (let i = 0; i < 5_000; i++) await start(`steps/${i}/*`);
  expect(await start("one/more")).toMatchObject({ code: 400, error: "too many paths on one connection" });
  expect(await start("steps/1/*")).toMatchObject({ code: 200 });
  expect(await start("x".repeat(1_001))).toMatchObject({ code: 400, error: "the path is too long" });
  subscriptions.end();
  expect(listeners).toEqual([]);
});
