import { createBus, createBusHub, createPortBus, notesOf } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { afterAll, expect, it } from "vitest";
import { waitFor } from "../harness/wait-for.ts";
import { describeBusContract } from "./bus.contract.ts";
import { listen } from "./bus-inbox.ts";

const main = createBus({ kind: "in-process" }, silentLog);
const hub = createBusHub(main);
afterAll(() => main.stop());

// Ports behave within a thread as between threads.
describeBusContract("threads", async () => ({
  createBus: (log) => createPortBus(hub.open(), log),
  createMutedBus: () =>
    createPortBus(createBusHub(createBus({ kind: "in-process", mute: true }, silentLog)).open(), silentLog),
}));

it("the bus of a thread and the bus of its process hear each other, as themselves", async () => {
  const thread = createPortBus(hub.open(), silentLog);
  const from: string[] = [];
  await main.subscribe(["both", null], ({ key }, publisher) => void from.push(`main ${key[1]} ${publisher}`));
  await thread.subscribe(["both", null], ({ key }, publisher) => void from.push(`thread ${key[1]} ${publisher}`));
  main.publish(["both", "1"], null);
  thread.publish(["both", "2"], null);
  await waitFor(() => from.length === 4, { what: "all messages" });
  expect(from.toSorted()).toEqual(["main 1 self", "main 2 self", "thread 1 self", "thread 2 self"]);
  await thread.stop();
});

it("a thread that takes no messages is not buffered for without bound, and is told so", async () => {
  const thread = createPortBus(hub.open(), silentLog);
  const states: string[] = [];
  thread.onState((state) => states.push(state));
  const inbox = await listen(thread, ["flood"]);
  // In one turn of the loop, as if the thread's loop stood still meanwhile.
  for (let n = 0; n < 12_000; n++) main.publish(["flood"], n);
  await waitFor(() => states.length === 2, { what: "the thread to be told" });
  expect(states).toEqual(["degraded", "connected"]);
  expect(inbox.messages).toHaveLength(10_000);
  main.publish(["flood"], "again");
  await inbox.count(10_001);
  await thread.stop();
});

it("a note reaches all threads once, and none at a bus that only shares the process", async () => {
  const [one, two] = [createPortBus(hub.open(), silentLog), createPortBus(hub.open(), silentLog)];
  const other = createBus({ kind: "in-process" }, silentLog);
  const got: string[] = [];
  for (const [name, bus] of Object.entries({ main, one, two, other }))
    notesOf(bus).listen((note) => void got.push(`${name} ${note}`));
  notesOf(main).send("a");
  notesOf(one).send("b");
  await waitFor(() => got.length >= 6, { what: "the notes" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(got.toSorted()).toEqual(["main a", "main b", "one a", "one b", "two a", "two b"]);
  await Promise.all([one.stop(), two.stop(), other.stop()]);
});
