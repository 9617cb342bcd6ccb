import { expect, it } from "vitest";
import { BegunLogins } from "./begun-logins.ts";

const tooMany = "Too many logins were begun and not finished; try again in 600 seconds.";

it("are so many of one address, and new ones when one came back or expired", () => {
  let now = 0;
  const logins = new BegunLogins({ now: () => now });
  const [first] = Array.from({ length: 60 }, () => logins.begin("192.0.2.1").begun);
  if (first) first.key = "first";
  expect(() => logins.begin("192.0.2.1")).toThrow(tooMany);
  logins.begin("192.0.2.2");
  logins.endOf("first");
  logins.begin("192.0.2.1");
  expect(() => logins.begin("192.0.2.1")).toThrow(tooMany);
  now += 600_000;
  logins.begin("192.0.2.1");
});

it("are no more of one who has all addresses of a network", () => {
  const logins = new BegunLogins({ now: () => 0 });
  for (let i = 0; i < 60; i++) logins.begin(`2001:db8:1:2::${i.toString(16)}`);
  expect(() => logins.begin("2001:db8:1:2:ffff::1")).toThrow("Too many logins were begun");
  logins.begin("2001:db8:1:3::1");
});

it.each([
  [84, 60],
  [1_000, 6],
  [3_000, 2],
  [6_000, 1],
])("keep no one from one, though %i addresses begin %i each", (addresses, each) => {
  const logins = new BegunLogins({ now: () => 0 });
  const mine = logins.begin("192.0.2.1").begun;
  const rows = new Set([mine]);
  for (let i = 0; i < addresses * each; i++) {
    const { begun, replaced } = logins.begin(`10.0.${(i % addresses) >> 8}.${(i % addresses) & 255}`);
    rows.add(begun);
    if (replaced) rows.delete(replaced);
  }
  const later = logins.begin("192.0.2.2");
  expect(later.replaced?.address).toMatch(/^10\./);
  expect(mine.isReplaced).toBe(false);
  expect(rows.size).toBe(5_000);
});

it("keep no one from one, though one who has a network of IPv6 begins one from each of its halves", () => {
  const logins = new BegunLogins({ now: () => 0 });
  // Before and after them, and of the same provider.
  const mine = [logins.begin("2001:db8:7::1").begun, logins.begin("192.0.2.1").begun];
  for (let i = 0; i < 5_100; i++) logins.begin(`2001:db8:1:${i.toString(16)}::1`);
  mine.push(logins.begin("2001:db8:8::1").begun);
  for (let i = 5_100; i < 5_500; i++) logins.begin(`2001:db8:1:${i.toString(16)}::1`);
  expect(mine.map(({ isReplaced }) => isReplaced)).toEqual([false, false, false]);
});

it("are all gone after their time, so that no memory of them stays", () => {
  let now = 0;
  const logins = new BegunLogins({ now: () => now });
  for (let i = 0; i < 5_000; i++) logins.begin(`10.0.${i >> 8}.${i & 255}`);
  now += 600_000;
  expect(logins.begin("192.0.2.1").replaced).toBeUndefined();
});
