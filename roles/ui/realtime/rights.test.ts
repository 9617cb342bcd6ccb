import type { IncomingMessage } from "node:http";
import { errors } from "@multimaster/core";
import { expect, it } from "vitest";
import { createStillCheck, longestListening } from "./rights.ts";

const request = {} as IncomingMessage;

function listen(by: "nothing" | "session" | "proxy" | "token") {
  let now = 1_000;
  const listener = { by };
  const answer: { identify: () => Promise<object> } = { identify: async () => ({ by }) };
  const rights = { identify: () => answer.identify(), longestMs: () => longestListening(listener) };
  const isStill = createStillCheck(rights, { now: () => now }, listener, request);
  return {
    answer,
    isStillAfter(ms: number) {
      now = 1_000 + ms;
      return isStill();
    },
  };
}

it("a proxy's word for a connection counts ten minutes, since its headers never change", async () => {
  const { isStillAfter } = listen("proxy");
  expect(await isStillAfter(599_999)).toBe(true);
  expect(await isStillAfter(600_000)).toBe(false);
});

it.each(["nothing", "session", "token"] as const)("who listens by %s stays, since it is asked again", async (by) => {
  const { isStillAfter, answer } = listen(by);
  expect(await isStillAfter(7 * 86_400_000)).toBe(true);
  answer.identify = async () => ({ by: "nothing", other: true });
  expect(await isStillAfter(0)).toBe(false);
});

it("a token that is refused ends it; a database that is away does not", async () => {
  const { isStillAfter, answer } = listen("token");
  answer.identify = () => Promise.reject(new Error("away"));
  expect(await isStillAfter(0)).toBe(true);
  answer.identify = () => Promise.reject(errors.tokenRefused());
  expect(await isStillAfter(0)).toBe(false);
});
