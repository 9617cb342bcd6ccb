import { type Logger, systemClock } from "@multimaster/core";
import { expect, it } from "vitest";
import type { LatentWorker } from "./latent-worker.ts";
import { ProviderTroubles } from "./provider-troubles.ts";

const latent = { name: "pool" } as LatentWorker;

it("says once what fails again and again, again when its cause changes or it has lasted, and never a stack", () => {
  let now = 0;
  const lines: unknown[][] = [];
  const log = { warn: (...line: unknown[]) => void lines.push(line) } as unknown as Logger;
  const troubles = new ProviderTroubles({ clock: { ...systemClock, now: () => now }, log });
  const fail = (why: string) => troubles.note(latent, "no list", new Error(why));
  for (let n = 0; n < 20; n += 1) fail("connect refused\n    at 10.0.0.1");
  expect(lines).toEqual([[{ latent: "pool" }, "no list: connect refused at 10.0.0.1; retrying"]]);
  fail("another");
  expect(lines).toHaveLength(2);
  now += 10 * 60_000;
  fail("another");
  expect(lines).toHaveLength(3);
  expect(troubles.end("no list")).toBe(true);
  expect(troubles.end("no list")).toBe(false);
  fail("another");
  expect(lines).toHaveLength(4);
});
