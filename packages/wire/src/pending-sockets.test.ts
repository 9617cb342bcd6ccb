import { expect, it } from "vitest";
import { PendingSockets } from "./pending-sockets.ts";

it("are so many of one address, whatever it is written like, and of this machine any number", () => {
  const pending = new PendingSockets(2);
  const from = (remoteAddress: string) => ({ remoteAddress });
  const first = from("192.0.2.1");
  expect([first, from("::ffff:192.0.2.1"), from("192.0.2.1")].map((one) => pending.add(one))).toEqual([
    true,
    true,
    false,
  ]);
  pending.remove(first);
  pending.remove(first);
  expect([from("192.0.2.1"), from("192.0.2.1"), from("192.0.2.2")].map((one) => pending.add(one))).toEqual([
    true,
    false,
    true,
  ]);
  expect(["1", "2", "3"].map((end) => pending.add(from(`2001:db8::${end}`)))).toEqual([true, true, false]);
  expect([..."12345"].map((end) => pending.add(from(end === "5" ? "::1" : `127.0.0.${end}`)))).not.toContain(false);
});
