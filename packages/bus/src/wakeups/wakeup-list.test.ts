import { expect, it } from "vitest";
import type { Wakeup } from "./wakeup.ts";
import { WakeupList } from "./wakeup-list.ts";

const wakeup = (topic: string, id = 0): Wakeup => ({ key: [topic], payload: { truncated: true, id } });

it("holds each topic once, with what was said last, in the order of the last time", () => {
  const list = new WakeupList(10);
  for (const [topic, id] of [
    ["a", 1],
    ["b", 2],
    ["a", 3],
  ] as const)
    expect(list.add(wakeup(topic, id))).toBe(true);
  expect(list.take(1)).toEqual([wakeup("b", 2)]);
  expect(list.take(5)).toEqual([wakeup("a", 3)]);
  expect(list.size).toBe(0);
});

it("never holds more than it may: the oldest goes", () => {
  const list = new WakeupList(2);
  expect(["a", "b", "c", "b"].map((topic) => list.add(wakeup(topic)))).toEqual([true, true, false, true]);
  expect(list.all().map(({ key }) => key[0])).toEqual(["c", "b"]);
});

it("forgets what is old", () => {
  const list = new WakeupList(10);
  list.add(wakeup("a"), 1);
  list.add(wakeup("b"), 2);
  list.add(wakeup("a"), 3);
  list.forgetBefore(3);
  expect(list.all()).toEqual([wakeup("a")]);
});
