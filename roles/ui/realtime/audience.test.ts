import { createMetrics, silentLog, systemClock } from "@multimaster/core";
import { expect, it } from "vitest";
import { Audience, type Client } from "./audience.ts";

function createAudience() {
  const metrics = createMetrics();
  const audience = new Audience({
    clock: systemClock,
    log: silentLog,
    metrics,
    pingMs: 10,
    maxWaiting: 100,
    maxPerAddress: 2,
  });
  return { audience, metrics };
}

function createClient({ answers = true } = {}) {
  const said: string[] = [];
  const client = {
    kind: "ws",
    address: "192.0.2.1" as const,
    waiting: 0,
    send: (text: string) => void said.push(text),
    ping: () => answers,
    leave: () => void said.push("(leave)"),
    cut: () => void said.push("(cut)"),
  } satisfies Client;
  return { client, said };
}

it("cuts who does not take what is sent, and sends the others on", async () => {
  const { audience, metrics } = createAudience();
  const [slow, quick] = [createClient(), createClient()];
  for (const { client } of [slow, quick]) audience.add(client, async () => true);
  slow.client.waiting = 101;
  audience.sendAll(() => "news");
  expect([slow.said, quick.said]).toEqual([["(cut)"], ["news"]]);
  expect(await metrics.metrics()).toContain('multimaster_ui_listeners_cut_total{kind="ws",reason="slow"} 1');
  await audience.end();
});

it("cuts who does not answer a ping", async () => {
  const { audience } = createAudience();
  const [dead, alive] = [createClient({ answers: false }), createClient()];
  for (const { client } of [dead, alive]) audience.add(client, async () => true);
  await expect.poll(() => dead.said).toContain("(cut)");
  expect(alive.said).toEqual([]);
  await audience.end();
});

it("sends a thousand away a few at a time, and all immediately when there is no time", async () => {
  const { audience } = createAudience();
  const clients = Array.from({ length: 1000 }, () => createClient());
  for (const { client } of clients) audience.add(client, async () => true);
  const gone = () => clients.filter(({ said }) => said.includes("(leave)")).length;
  const hurry = new AbortController();
  const left = audience.leave(hurry.signal);
  expect(gone()).toBeGreaterThan(0);
  expect(gone()).toBeLessThan(100);
  hurry.abort();
  await left;
  expect(gone()).toBe(1000);
  await audience.end();
});

it("cuts whose session has ended, and asks again until it has", async () => {
  const { audience, metrics } = createAudience();
  const [guest, user] = [createClient(), createClient()];
  let isThere = true;
  audience.add(guest.client, async () => true);
  audience.add(user.client, async () => isThere);
  isThere = false;
  await expect.poll(() => user.said).toContain("(cut)");
  expect(guest.said).toEqual([]);
  expect(await metrics.metrics()).toContain('listeners_cut_total{kind="ws",reason="other rights"}');
  await audience.end();
});
