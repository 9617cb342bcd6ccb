import { expect, it } from "vitest";
import { ReconnectPause } from "./reconnect-pause.ts";

const usual = () => new ReconnectPause(2000, 60_000);

/** When the worker tries again at the latest, in milliseconds since its connection broke, while no master listens. */
function latestAttempts(untilMs: number): number[] {
  const pause = usual();
  const at = [pause.after("dropped")];
  while ((at.at(-1) as number) < untilMs) at.push((at.at(-1) as number) + pause.after("unreachable"));
  return at;
}

it("is back at most a second after a short restart of its master, and in half of the time it was away after a longer one", () => {
  for (let round = 0; round < 200; round += 1) {
    const attempts = latestAttempts(180_000);
    for (const [i, at] of attempts.slice(0, -1).entries())
      expect((attempts[i + 1] as number) - at).toBeLessThan(Math.max(1000, at / 2 + 500));
  }
});

it("does not bother a master that is away for long", () => {
  const attempts = latestAttempts(24 * 3_600_000);
  expect(attempts.length).toBeLessThan(24 * 60 * 2 + 20);
});

it("varies, and begins again after each connection", () => {
  const firsts = new Set<number>();
  const pause = usual();
  for (let i = 0; i < 50; i += 1) {
    firsts.add(pause.after("dropped"));
    for (let n = 0; n < 10; n += 1) pause.after("unreachable");
    expect(pause.after("refused")).toBeGreaterThanOrEqual(1500);
    expect(pause.after("unreachable")).toBeLessThanOrEqual(500);
  }
  expect(firsts.size).toBe(50);
  expect(Math.max(...firsts)).toBeLessThanOrEqual(2000);
});
