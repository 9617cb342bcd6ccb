import { describe, expect, it } from "vitest";
import { LoginThrottle } from "./login-throttle.ts";

function makeThrottle() {
  let now = 0;
  const throttle = new LoginThrottle(() => now);
  /** How many of these guesses are checked. */
  const guess = (times: number, address: string, name: string | ((n: number) => string)) => {
    let looked = 0;
    for (let n = 0; n < times; n += 1) {
      const who = typeof name === "string" ? name : name(n);
      if (!throttle.admits(address, who)) continue;
      looked += 1;
      throttle.failed(address, who);
    }
    return looked;
  };
  return { throttle, guess, wait: (ms: number) => void (now += ms) };
}

describe("guesses of passwords", () => {
  it("for one name from one address are checked ten at a time, then twelve a minute", () => {
    const { guess, wait } = makeThrottle();
    expect(guess(1000, "10.0.0.1", "w1")).toBe(10);
    wait(60_000);
    expect(guess(1000, "10.0.0.1", "w1")).toBeLessThanOrEqual(12);
  });

  it("do not keep out other workers behind the same balancer", () => {
    const { throttle, guess } = makeThrottle();
    guess(1000, "10.0.0.1", "w1");
    expect(throttle.admits("10.0.0.1", "w2")).toBe(true);
    expect(throttle.admits("10.0.0.2", "w1")).toBe(true);
  });

  it("for many names from one address are bounded, but not for those who were here before", () => {
    const { throttle, guess, wait } = makeThrottle();
    throttle.succeeded("10.0.0.1", "honest");
    expect(guess(5000, "10.0.0.1", (n) => `w${n}`)).toBe(100);
    expect(throttle.admits("10.0.0.1", "other")).toBe(false);
    expect(throttle.admits("10.0.0.1", "honest")).toBe(true);
    wait(1000);
    expect(throttle.admits("10.0.0.1", "other")).toBe(true);
  });

  it.each([
    ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true],
    ["2001:db8::1", "2001:db8:0:0:1::1", true],
    ["2001:db8:1:2::1", "2001:db8:1:3::1", false],
    ["::ffff:10.0.0.1", "10.0.0.1", true],
    ["::1", "::2", true],
  ])("from %s count for %s: %s", (one, other, isSame) => {
    const { throttle, guess } = makeThrottle();
    guess(50, one, "w");
    expect(throttle.admits(other, "w")).toBe(!isSame);
  });

  it("need bounded memory, whatever names and addresses they come with", () => {
    const { throttle } = makeThrottle();
    for (let n = 0; n < 50_000; n += 1) {
      throttle.failed(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, `w${n}`);
      throttle.succeeded("10.0.0.1", `w${n}`);
    }
    expect(throttle.size).toBeLessThanOrEqual(30_000);
  });
});
