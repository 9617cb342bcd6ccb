import { expect, it } from "vitest";
import { networksOfAddress } from "./address-group.ts";
import { AddressShares } from "./address-shares.ts";

it("takes the oldest from the network that has the most, however many addresses it has", () => {
  const shares = new AddressShares<string>();
  shares.add("192.0.2.1", "mine");
  shares.add("2001:db8:9::1", "mine, too");
  for (let i = 0; i < 300; i++) shares.add(`10.0.${i}.1`, `v4 ${i}`);
  for (let i = 0; i < 200; i++) shares.add(`2001:db8:1:${i.toString(16)}::1`, `v6 ${i}`);
  const taken: string[] = [];
  // Down to a handful: then the honest ones are as many as the others.
  while (shares.size > 10) {
    const item = shares.oldestOfLargest() ?? "";
    taken.push(item);
    for (const address of ["10.0", "2001"]) {
      const i = Number(item.split(" ")[1]);
      shares.delete(address === "10.0" ? `10.0.${i}.1` : `2001:db8:1:${i.toString(16)}::1`, item);
    }
  }
  expect(taken.slice(0, 2)).toEqual(["v4 0", "v4 1"]);
  expect(shares.itemsOf("192.0.2.1")).toEqual(new Set(["mine"]));
  expect(shares.itemsOf("2001:db8:9::1")).toEqual(new Set(["mine, too"]));
});

it("always finds the largest, whatever comes and goes, and the oldest of its items", () => {
  const shares = new AddressShares<number>();
  const present = new Map<number, string>();
  let random = 1;
  const below = (n: number) => {
    random = (random * 48_271) % 2_147_483_647;
    return random % n;
  };
  for (let item = 0; item < 400; item++) {
    const address = `10.${below(3)}.${below(3)}.${below(3)}`;
    shares.add(address, item);
    present.set(item, address);
    const some = [...present.keys()];
    const gone = below(4) === 0 ? shares.oldestOfLargest() : some[below(some.length)];
    if (gone === undefined || item < 20) continue;
    expect(shares.delete(present.get(gone) ?? "", gone)).toBe(true);
    present.delete(gone);
    const found = shares.oldestOfLargest() as number;
    let within = [...present];
    for (const level of [0, 1, 2]) {
      const itemsIn = (key: string | undefined) => within.filter(([, of]) => networksOfAddress(of)[level] === key);
      const sizes = within.map(([, of]) => itemsIn(networksOfAddress(of)[level]).length);
      const own = itemsIn(networksOfAddress(present.get(found) ?? "")[level]);
      expect(own.length).toBe(Math.max(...sizes));
      within = own;
    }
    expect(found).toBe(within[0]?.[0]);
  }
});

it("keeps no memory of what is gone", () => {
  const shares = new AddressShares<number>();
  shares.add("192.0.2.1", 1);
  shares.add("192.0.2.1", 2);
  expect([...shares.itemsOf("192.0.2.1")]).toEqual([1, 2]);
  expect([shares.delete("192.0.2.1", 1), shares.delete("192.0.2.1", 1), shares.delete("192.0.2.2", 2)]).toEqual([
    true,
    false,
    false,
  ]);
  expect([shares.size, shares.oldestOfLargest()]).toEqual([1, 2]);
  shares.delete("192.0.2.1", 2);
  expect([shares.size, shares.oldestOfLargest()]).toEqual([0, undefined]);
});

it.each([
  ["192.0.2.1", ["192.0", "192.0.2", "192.0.2.1"]],
  ["::ffff:192.0.2.1", ["192.0", "192.0.2", "192.0.2.1"]],
  ["2001:db8:1:2::5", ["2001:db8", "2001:db8:1", "2001:db8:1:2"]],
  ["2001:db8::5", ["2001:db8", "2001:db8:0", "2001:db8:0:0"]],
  ["", ["", "", ""]],
])("knows the networks of %s", (address, networks) => {
  expect(networksOfAddress(address)).toEqual(networks);
});
