import { expect, it } from "vitest";
import { PlaceOrder } from "./place-order.ts";

it("a state never follows that of a later report at its place, whatever was written down of it", async () => {
  const saved = new Map<string, number>();
  const shown: string[] = [];
  const show = (order: PlaceOrder, place: string, id: number, until?: Promise<void>) =>
    order.deliver(place, id, async () => {
      await until;
      shown.push(`${place} ${id}`);
    });
  const order = new PlaceOrder(async (place) => saved.get(place));
  await show(order, "444", 17);
  await show(order, "444", 18);
  // What it could not deliver before comes to the place that has no later state alone.
  await show(order, "444", 17);
  await show(order, "555", 17);
  expect(shown.splice(0)).toEqual(["444 17", "444 18", "555 17"]);
  const latest = order.latestOf(new Set([18]));
  expect([...latest]).toEqual([["444", 18]]);
  for (const [place, id] of latest) saved.set(place, id);
  order.written(latest);
  await show(order, "444", 17);
  // Another master goes by what was written down.
  await show(new PlaceOrder(async (place) => saved.get(place)), "444", 17);
  expect(shown).toEqual([]);
  // One that is slow is not overtaken on its way.
  let end = () => {};
  const slow = show(order, "666", 19, new Promise((resolve) => (end = resolve)));
  const next = show(order, "666", 20);
  end();
  await Promise.all([slow, next]);
  expect(shown).toEqual(["666 19", "666 20"]);
  const failing = order.deliver("777", 21, () => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  await show(order, "777", 21);
  expect(shown.at(-1)).toBe("777 21");
});
