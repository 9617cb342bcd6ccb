import { type Bus, createBus, createBusHub, createPortBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { expect, it } from "vitest";
import { builds } from "../resources/builds.ts";
import { createEvents } from "./events.ts";

/** Events of which each read is counted. */
function createCounted(bus: Bus) {
  const counted = { reads: 0 };
  const run = () => {
    counted.reads++;
    return Promise.reject(new Error("no database"));
  };
  const dialect = { isOneOf: () => ({ sql: "", bindings: [] }), isAway: () => true, ascending: "", descending: "" };
  return { counted, events: createEvents({ bus, connection: { sql: { run }, dialect } as never, log: silentLog }) };
}

it("reads an event's rows only while someone in the process listens to one of its topics", async () => {
  const main = createBus({ kind: "in-process" }, silentLog);
  const thread = createPortBus(createBusHub(main).open(), silentLog);
  const own = createCounted(main);
  const engine = createCounted(thread);
  async function readsOf(...ids: number[]): Promise<number> {
    const before = own.counted.reads + engine.counted.reads;
    await Promise.all([own.events.of(builds).finished(ids), engine.events.of(builds).finished(ids)]);
    return own.counted.reads + engine.counted.reads - before;
  }
  expect(await readsOf(1)).toBe(0);
  for (const bus of [main, thread]) {
    // One of several topics of a build is enough.
    const subscription = await bus.subscribe(["builders", null, "builds", null, "finished"], () => {});
    expect(await readsOf(1)).toBe(2);
    await subscription.unsubscribe();
    expect(await readsOf(1)).toBe(0);
  }
  // A service of this process that only wakes needs no object.
  await own.events.on(builds, "finished", () => {}, { early: () => {} });
  expect(await readsOf(1)).toBe(0);
  await thread.stop();
  await main.stop();
});
