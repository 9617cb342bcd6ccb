import type { Bus, BusMessage, Subscription } from "@multimaster/bus";
import type { Logger, Service } from "@multimaster/core";
import type { Heartbeat } from "./heartbeat.ts";
import { nameIncarnation } from "./incarnation.ts";
import type { Lease } from "./lease.ts";
import { monotonicMs } from "./monotonic.ts";

export interface PartitionDetectionOptions {
  bus: Bus;
  lease: Lease;
  heartbeat: Pick<Heartbeat, "lastRenewal">;
  log: Logger;
  /** Monotonic time in milliseconds. */
  now?: () => number;
  /** Called once, when this master must assume that the others evict it. Absent: it has nothing that would have to stop. */
  onPartition?: () => void;
}

/** Keeps a master that cannot reach the database from working on while others do its work again. */
export interface PartitionDetection extends Service {
  /** False while this master has promised the others to evict no one. */
  mayEvict(): boolean;
}

/** Parts of a lease without a renewal after which a master suspects a partition; two renewals should have come. */
const suspectedAfter = 0.4;
const checksPerLease = 20;
/** More incarnations than a cluster has: a publisher can name any number of them, and a message names all that were heard. */
const maxIncarnations = 1000;
const incarnationForm = /^\d{1,10}-\d{1,10}$/;

/**
 * What a master publishes while it cannot renew: that it evicts no one for so long, and whose suspicions it has heard. The
 * names of the fields and of the topics (`doubt`, `fine`) are those of the first release, which may run beside.
 */
interface Suspicion {
  readonly life: string;
  readonly n: number;
  readonly buriesNobodyMs: number;
  readonly heard: Readonly<Record<string, number>>;
}

/**
 * A master that cannot renew does not know whether the database is away for all, and no one loses anything, or for itself
 * alone, and the others evict it as soon as its lease has expired. It asks them: masters with the same suspicion promise
 * to evict no one for the length of a lease. With a promise of every other master it works on past its lease; without, it
 * must stop at the end of it (docs/decisions/cut-off-masters-stop.md).
 */
export function createPartitionDetection(options: PartitionDetectionOptions): PartitionDetection {
  const { bus, lease, heartbeat, log, now = monotonicMs, onPartition } = options;
  const { leaseMs } = lease;
  const self = nameIncarnation(lease);
  const checkMs = leaseMs / checksPerLease;
  /** When the last suspicions were sent: a promise counts from the one that it answers, however late it comes. */
  const sentAt = new Map<number, number>();
  /** The latest suspicion heard of each other master. */
  const heard = new Map<string, number>();
  let saidHealthyAt = Number.NEGATIVE_INFINITY;
  /** Until when each other master evicts no one. */
  const promised = new Map<string, number>();
  /** Masters that answered and were not there when this one last renewed. */
  const newcomers = new Set<string>();
  let n = 0;
  let suspected = false;
  let abstainsUntil = Number.NEGATIVE_INFINITY;
  let checkedAt = now();
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  let subscription: Subscription | undefined;

  function check(): void {
    const late = now() - checkedAt > 3 * checkMs;
    checkedAt = now();
    const renewal = heartbeat.lastRenewal;
    // After a stall of this thread, what the heartbeat has reported is still unread.
    if (renewal === undefined || late || over) return;
    const silentMs = checkedAt - renewal.at;
    if (silentMs <= suspectedAfter * leaseMs) {
      if (suspected) newcomers.clear();
      suspected = false;
      return;
    }
    suspected = true;
    declare();
    if (silentMs < leaseMs || onPartition === undefined) return;
    const silent = [...renewal.others, ...newcomers].filter((one) => (promised.get(one) ?? 0) <= checkedAt);
    if (silent.length === 0) return;
    over = true;
    log.error(
      { silentMs: Math.round(silentMs), others: silent.length },
      "this master is cut off from the database, others may not be: it stops what it runs, and joins again",
    );
    onPartition();
  }

  function declare(): void {
    n += 1;
    sentAt.set(n, checkedAt);
    sentAt.delete(n - 3 * checksPerLease);
    abstainsUntil = checkedAt + leaseMs;
    const suspicion: Suspicion = { life: self, n, buriesNobodyMs: leaseMs, heard: Object.fromEntries(heard) };
    bus.publish(["leases", self, "doubt"], { ...suspicion });
  }

  function hearSuspicion({ payload }: BusMessage): void {
    const suspicion = readSuspicion(payload);
    if (suspicion === undefined || suspicion.life === self) return;
    if (!heard.has(suspicion.life) && heard.size >= maxIncarnations) forgetOne(heard);
    // The one that came last, not the highest: it can only shorten what is promised, and a forged one does not stay.
    heard.set(suspicion.life, suspicion.n);
    const asked = sentAt.get(suspicion.heard[self] ?? 0);
    if (asked !== undefined) {
      if (!promised.has(suspicion.life) && promised.size >= maxIncarnations) forgetOne(promised);
      promised.set(suspicion.life, Math.max(asked + suspicion.buriesNobodyMs, promised.get(suspicion.life) ?? 0));
    }
    // Once for all that suspect.
    if (suspected || now() < saidHealthyAt + checkMs) return;
    saidHealthyAt = now();
    bus.publish(["leases", self, "fine"], { life: self });
  }

  /** Makes room. None of those that were there at the last renewal is forgotten for it. */
  function forgetOne(incarnations: Map<string, number>): void {
    const others = heartbeat.lastRenewal?.others ?? [];
    for (const one of incarnations.keys()) if (!others.includes(one)) return void incarnations.delete(one);
  }

  function hearHealthy({ key }: BusMessage): void {
    const incarnation = key[1];
    if (!suspected || incarnation === undefined || incarnation === self || !incarnationForm.test(incarnation)) return;
    if (newcomers.size < maxIncarnations) newcomers.add(incarnation);
  }

  return {
    name: "partition detection",
    mayEvict: () => now() >= abstainsUntil,
    async start() {
      const own = await Promise.all([
        bus.subscribe(["leases", null, "doubt"], hearSuspicion),
        bus.subscribe(["leases", null, "fine"], hearHealthy),
      ]);
      subscription = { unsubscribe: async () => void (await Promise.all(own.map((one) => one.unsubscribe()))) };
      timer = setInterval(check, checkMs);
      timer.unref();
    },
    async stop() {
      over = true;
      clearInterval(timer);
      await subscription?.unsubscribe();
      subscription = undefined;
    },
  };
}

function readSuspicion(payload: unknown): Suspicion | undefined {
  if (typeof payload !== "object" || payload === null) return undefined;
  const { life, n, buriesNobodyMs, heard } = payload as Partial<Record<keyof Suspicion, unknown>>;
  const isWhole =
    typeof life === "string" &&
    incarnationForm.test(life) &&
    typeof n === "number" &&
    typeof buriesNobodyMs === "number";
  return isWhole && typeof heard === "object" && heard !== null ? (payload as Suspicion) : undefined;
}
