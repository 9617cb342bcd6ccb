import { createBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { expect, it } from "vitest";
import { buildrequests } from "../resources/buildrequests.ts";
import { changes } from "../resources/changes.ts";
import { createEvents } from "./events.ts";

/** Events whose rows can never be read, so that nothing comes by the bus. */
function createOwn(mute: boolean) {
  const bus = createBus({ kind: "in-process", mute }, silentLog);
  const sql = { raw: () => Promise.reject(new Error("no database")) };
  const dialect = { isOneOf: () => ({ sql: "", bindings: [] }), isAway: () => false, ascending: "", descending: "" };
  return createEvents({ bus, connection: { sql, dialect } as never, log: silentLog });
}

it("wakes a service of this process before the rows of an event are read, and only for its event", async () => {
  const events = createOwn(false);
  const woken: string[] = [];
  const subscription = await events.on(changes, "new", () => {}, { early: () => void woken.push("change") });
  await events.onPartOf(buildrequests, "unclaimed", "builderid", () => {}, { early: () => void woken.push("request") });
  await events.of(changes).new([1]);
  await events.of(buildrequests).new([1]);
  expect(woken).toEqual(["change"]);
  await events.of(buildrequests).unclaimed([1, 2]);
  await events.of(changes).new([]);
  expect(woken).toEqual(["change", "request"]);
  await subscription.unsubscribe();
  await events.of(changes).new([2]);
  expect(woken).toEqual(["change", "request"]);
});

it("wakes no one where the bus is muted", async () => {
  const events = createOwn(true);
  let woken = 0;
  await events.on(changes, "new", () => {}, { early: () => void woken++ });
  await events.of(changes).new([1]);
  expect(woken).toBe(0);
});
