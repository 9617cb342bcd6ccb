import { systemClock } from "@multimaster/core";
import { expect, it } from "vitest";
import { FreshRows } from "./fresh-rows.ts";

function makeRows() {
  const begun: { end(): void; fail(): void }[] = [];
  const rows = new FreshRows({
    clock: systemClock,
    read: () => new Promise((resolve, reject) => begun.push({ end: resolve, fail: () => reject(new Error("away")) })),
  });
  const untilBegun = async (count: number) => {
    while (begun.length < count) await systemClock.sleep(5);
  };
  return { rows, begun, untilBegun };
}

it("reads once for all that ask, and again for those that ask while it reads", async () => {
  const { rows, begun, untilBegun } = makeRows();
  const asked = Array.from({ length: 1000 }, () => rows.ask());
  await untilBegun(1);
  const later = Array.from({ length: 1000 }, () => rows.ask());
  begun[0]?.end();
  expect(new Set(await Promise.all(asked))).toEqual(new Set([true]));
  await untilBegun(2);
  begun[1]?.end();
  expect(new Set(await Promise.all(later))).toEqual(new Set([true]));
  expect(begun).toHaveLength(2);
});

it("says that rows could not be read, and reads one after the other", async () => {
  const { rows, begun, untilBegun } = makeRows();
  const own = rows.read();
  const asked = rows.ask();
  await untilBegun(1);
  begun[0]?.fail();
  await expect(own).rejects.toThrow("away");
  await untilBegun(2);
  begun[1]?.fail();
  expect(await asked).toBe(false);
});
