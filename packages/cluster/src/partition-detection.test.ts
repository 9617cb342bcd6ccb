import { setImmediate as nextTurn } from "node:timers/promises";
import { type Bus, createBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createPartitionDetection, type PartitionDetection } from "./partition-detection.ts";

const leaseMs = 1000;
let bus: Bus;
let time: number;
let members: Member[];

/** A master as its watch sees it: `reaches` the database or not. */
interface Member {
  readonly life: string;
  readonly watch: PartitionDetection;
  reaches: boolean;
  renewal: { at: number; others: string[] };
  cutOff: boolean;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  bus = createBus({ kind: "in-process" }, silentLog);
  time = 1_000_000;
  members = [];
});

afterEach(async () => {
  for (const { watch } of members) await watch.stop();
  vi.useRealTimers();
});

async function join(masterid: number, over: Bus = bus): Promise<Member> {
  const lease = { masterid, name: `m${masterid}`, epoch: 1, leaseMs };
  const member: Member = {
    life: `${masterid}-1`,
    reaches: true,
    cutOff: false,
    renewal: { at: time, others: members.map(({ life }) => life) },
    watch: createPartitionDetection({
      bus: over,
      lease,
      heartbeat: {
        get lastRenewal() {
          return member.renewal;
        },
      },
      log: silentLog,
      now: () => time,
      onPartition: () => {
        member.cutOff = true;
      },
    }),
  };
  await member.watch.start();
  members.push(member);
  return member;
}

/** Lets time pass; who reaches the database renews. */
async function pass(leases: number): Promise<void> {
  for (let ms = 0; ms < leases * leaseMs; ms += leaseMs / 20) {
    time += leaseMs / 20;
    for (const member of members) {
      const others = members.filter((other) => other !== member).map(({ life }) => life);
      if (member.reaches) member.renewal = { at: time, others };
    }
    vi.advanceTimersByTime(leaseMs / 20);
    // What is published in one turn is heard in the next.
    for (let turn = 0; turn < 4; turn++) await nextTurn();
  }
}

const cutOff = () => members.filter((member) => member.cutOff).map(({ life }) => life);

it("stops no one while the database is away for all, however long, and no one evicts meanwhile", async () => {
  const all = [await join(1), await join(2), await join(3)];
  await pass(1);
  expect(all.every(({ watch }) => watch.mayEvict())).toBe(true);
  for (const member of all) member.reaches = false;
  await pass(10);
  expect(cutOff()).toEqual([]);
  expect(all.some(({ watch }) => watch.mayEvict())).toBe(false);
  for (const member of all) member.reaches = true;
  await pass(2);
  expect(cutOff()).toEqual([]);
  expect(all.every(({ watch }) => watch.mayEvict())).toBe(true);
});

it("stops a master that is cut off alone when its lease ends, not before, and once", async () => {
  const [alone] = [await join(1), await join(2)];
  await pass(1);
  alone.reaches = false;
  await pass(0.9);
  expect(cutOff()).toEqual([]);
  await pass(0.3);
  expect(cutOff()).toEqual(["1-1"]);
  alone.cutOff = false;
  await pass(1);
  expect(cutOff()).toEqual([]);
});

it("stops a master whose fellows reach the database again while it does not, before they may evict it", async () => {
  const [late, other] = [await join(1), await join(2)];
  await pass(1);
  late.reaches = false;
  other.reaches = false;
  await pass(3);
  expect(cutOff()).toEqual([]);
  other.reaches = true;
  while (!other.watch.mayEvict()) await pass(0.05);
  expect(cutOff()).toEqual(["1-1"]);
});

it("stops a master that hears nothing of a fellow: it may be this one's network that is gone", async () => {
  const elsewhere = createBus({ kind: "in-process" }, silentLog);
  await join(1);
  await join(2);
  await join(3, elsewhere);
  await pass(1);
  for (const member of members) member.reaches = false;
  await pass(2);
  expect(cutOff()).toEqual(["1-1", "2-1", "3-1"]);
});

it("stops no master that is the only one, but does when one has joined meanwhile that it learns of", async () => {
  const first = await join(1);
  await pass(1);
  first.reaches = false;
  await pass(3);
  expect(cutOff()).toEqual([]);
  await join(2);
  await pass(0.3);
  expect(cutOff()).toEqual(["1-1"]);
});

it("does not take an old promise for a new one, however late it comes", async () => {
  const [alone] = [await join(1), await join(2)];
  await pass(1);
  const promises: unknown[] = [];
  await bus.subscribe(["leases", "2-1", "doubt"], ({ payload }) => void promises.push(payload));
  for (const member of members) member.reaches = false;
  await pass(0.9);
  for (const member of members) member.reaches = true;
  await pass(3);
  expect(promises.length).toBeGreaterThan(0);
  alone.reaches = false;
  await pass(0.8);
  for (const promise of promises) bus.publish(["leases", "2-1", "doubt"], promise as never);
  await pass(0.3);
  expect(cutOff()).toEqual(["1-1"]);
});

it("does not judge by what it missed while its own loop stood still", async () => {
  const [frozen] = [await join(1), await join(2)];
  await pass(1);
  time += 5 * leaseMs;
  vi.advanceTimersByTime(leaseMs / 20);
  expect(frozen.cutOff).toBe(false);
  await pass(0.5);
  expect(cutOff()).toEqual([]);
});

it("hears other masters despite any number of forged suspicions", async () => {
  bus = createBus({ kind: "in-process", maxPayload: 20_000 } as never, silentLog);
  const all = [await join(1), await join(2), await join(3)];
  await pass(1);
  const forge = (life: unknown, n: number) =>
    bus.publish(["leases", "x", "doubt"], { life, n, buriesNobodyMs: leaseMs, heard: {} } as never);
  // Also of a fellow, with a number that it has never said.
  for (const { life } of all) forge(life, 1e9);
  for (let i = 0; i < 30_000; i++) forge(i % 2 ? `${1000 + i}-1` : "x".repeat(1000) + i, i);
  for (const member of all) member.reaches = false;
  const heard: number[] = [];
  await bus.subscribe(["leases", null, "doubt"], ({ payload }) => void heard.push(JSON.stringify(payload).length));
  await pass(5);
  expect(cutOff()).toEqual([]);
  expect(Math.max(...heard)).toBeLessThan(50_000);
});
