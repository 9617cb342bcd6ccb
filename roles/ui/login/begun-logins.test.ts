import { expect, it } from "vitest";
import { BegunLogins } from "./begun-logins.ts";

it("are so many of one address, so many of all, and new ones after a while", () => {
  let now = 0;
  const begun = new BegunLogins({ now: () => now });
  for (let i = 0; i < 60; i++) begun.take("192.0.2.1");
  expect(() => begun.take("192.0.2.1")).toThrow(
    "Too many logins were begun and not finished; try again in 600 seconds.",
  );
  for (let i = 0; i < 5_000 - 60; i++) begun.take(`10.0.${i >> 8}.${i & 255}`);
  expect(() => begun.take("192.0.2.2")).toThrow("Too many logins were begun");
  now += 600_000;
  begun.take("192.0.2.1");
});

it("are no more of one who has all addresses of a network", () => {
  const begun = new BegunLogins({ now: () => 0 });
  for (let i = 0; i < 60; i++) begun.take(`2001:db8:1:2::${i.toString(16)}`);
  expect(() => begun.take("2001:db8:1:2:ffff::1")).toThrow("Too many logins were begun");
  begun.take("2001:db8:1:3::1");
});
