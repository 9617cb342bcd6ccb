import { systemClock } from "@multimaster/core";
import { expect, it } from "vitest";
import { LoginAttempts } from "./attempts.ts";

/** Time passes only when a test says so: those who wait all wait at the same time. */
function createAttempts() {
  let now = 0;
  let slept = 0;
  const clock = {
    ...systemClock,
    now: () => now,
    async sleep(ms: number) {
      slept = ms;
    },
  };
  const attempts = new LoginAttempts(clock);
  const waitFor = async (username: string, address: string) => {
    slept = 0;
    await attempts.begin(username, address);
    return slept;
  };
  return { attempts, waitFor, pass: (ms: number) => void (now += ms) };
}

it("refuses an address that guesses, and no other one", async () => {
  const { waitFor } = createAttempts();
  for (let i = 0; i < 5; i++) expect(await waitFor("ann", "192.0.2.1")).toBe(0);
  await expect(waitFor("ann", "192.0.2.1")).rejects.toThrow("Too many logins");
  expect(await waitFor("ann", "192.0.2.2")).toBe(0);
  for (let i = 0; i < 25; i++) await waitFor(`user-${i}`, "192.0.2.1");
  await expect(waitFor("bob", "192.0.2.1")).rejects.toThrow("Too many logins");
});

it("refuses a network of IPv6 whose addresses guess one by one, and neither its known users nor others", async () => {
  const { attempts, waitFor } = createAttempts();
  await waitFor("ann", "2001:db8:1:ffff::1");
  attempts.succeed("ann", "2001:db8:1:ffff::1");
  for (let i = 0; i < 300; i++) await waitFor(`user-${i % 50}`, `2001:db8:1:${i.toString(16)}::1`);
  await expect(waitFor("bob", "2001:db8:1:1000::1")).rejects.toThrow("Too many logins");
  expect(await waitFor("ann", "2001:db8:1:ffff::1")).toBe(0);
  expect(await waitFor("bob", "2001:db8:2::1")).toBe(0);
});

it("never locks an account out, however many addresses guess its password: it answers later and later", async () => {
  const { attempts, waitFor, pass } = createAttempts();
  await waitFor("ann", "198.51.100.1");
  attempts.succeed("ann", "198.51.100.1");
  const waits: number[] = [];
  for (let i = 0; i < 1_000; i++) {
    pass(10);
    waits.push(await waitFor("ann", `10.0.${i >> 8}.${i & 255}`));
  }
  expect(Math.max(...waits)).toBe(8_000);
  expect(waits.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 0));
  // Ann comes from a new place, and waits; from where she has been before she does not.
  expect(await waitFor("ann", "203.0.113.5")).toBe(8_000);
  expect(await waitFor("ann", "198.51.100.1")).toBe(0);
  // Others are not concerned, and it passes.
  expect(await waitFor("bob", "203.0.113.5")).toBe(0);
  pass(5 * 60_000);
  expect(await waitFor("ann", "203.0.113.6")).toBe(0);
});
