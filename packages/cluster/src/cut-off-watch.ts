import type { Bus, BusMessage, Subscription } from "@multimaster/bus";
import type { Logger, Service } from "@multimaster/core";
import type { Heartbeat } from "./heartbeat.ts";
import type { Lease } from "./lease.ts";
import { nameLife } from "./life.ts";
import { monotonicMs } from "./monotonic.ts";

export interface CutOffWatchOptions {
  bus: Bus;
  lease: Lease;
  heartbeat: Pick<Heartbeat, "lastRenewal">;
  log: Logger;
  /** Milliseconds of a clock that nobody sets. */
  now?: () => number;
  /** Called once, when this master must assume that the others bury it. Absent: it has nothing that would have to stop. */
  onCutOff?: () => void;
}

/** Keeps a master that cannot reach the database from working on while others do its work again. */
export interface CutOffWatch extends Service {
  /** False while this master has promised the others to bury nobody. */
  mayBury(): boolean;
}

/** Parts of a lease without a renewal after which a master says that it is in doubt; two renewals should have come. */
const doubtAfter = 0.4;
const looksPerLease = 20;
/** More lives than a cluster has: whoever may publish can name any number of them, and a doubt names all that were heard. */
const maxLives = 1000;
const lifeForm = /^\d{1,10}-\d{1,10}$/;

/** What a master says while it cannot renew: that it buries nobody for so long, and whose doubts it has heard. */
interface Doubt {
  readonly life: string;
  readonly n: number;
  readonly buriesNobodyMs: number;
  readonly heard: Readonly<Record<string, number>>;
}

/**
 * A master that cannot renew does not know whether the database is away for all, and nobody loses anything, or for itself
 * alone, and the others bury it as soon as its lease has expired. It asks them: masters in the same doubt promise to
 * bury nobody for the length of a lease. With a promise of every other master it works on past its lease; without, it
 * must stop at the end of it (docs/decisions/cut-off-masters-stop.md).
 */
export function createCutOffWatch(options: CutOffWatchOptions): CutOffWatch {
  const { bus, lease, heartbeat, log, now = monotonicMs, onCutOff } = options;
  const { leaseMs } = lease;
  const self = nameLife(lease);
  const lookMs = leaseMs / looksPerLease;
  /** When the doubts of late were sent: a promise counts from the doubt that it answers, however late it comes. */
  const sentAt = new Map<number, number>();
  /** The latest doubt heard of each other master. */
  const heard = new Map<string, number>();
  let saidFineAt = Number.NEGATIVE_INFINITY;
  /** Until when each other master buries nobody. */
  const promised = new Map<string, number>();
  /** Masters that answered and were not there when this one last renewed. */
  const newcomers = new Set<string>();
  let n = 0;
  let doubting = false;
  let abstainsUntil = Number.NEGATIVE_INFINITY;
  let lookedAt = now();
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  let subscription: Subscription | undefined;

  function look(): void {
    const late = now() - lookedAt > 3 * lookMs;
    lookedAt = now();
    const renewal = heartbeat.lastRenewal;
    // After a stall of our own, what the heartbeat has to say is still unread.
    if (renewal === undefined || late || over) return;
    const silentMs = lookedAt - renewal.at;
    if (silentMs <= doubtAfter * leaseMs) {
      if (doubting) newcomers.clear();
      doubting = false;
      return;
    }
    doubting = true;
    declare();
    if (silentMs < leaseMs || onCutOff === undefined) return;
    const silent = [...renewal.others, ...newcomers].filter((life) => (promised.get(life) ?? 0) <= lookedAt);
    if (silent.length === 0) return;
    over = true;
    log.error(
      { silentMs: Math.round(silentMs), others: silent.length },
      "this master is cut off from the database, others may not be: it stops what it runs, and joins anew",
    );
    onCutOff();
  }

  function declare(): void {
    n += 1;
    sentAt.set(n, lookedAt);
    sentAt.delete(n - 3 * looksPerLease);
    abstainsUntil = lookedAt + leaseMs;
    const doubt: Doubt = { life: self, n, buriesNobodyMs: leaseMs, heard: Object.fromEntries(heard) };
    bus.publish(["leases", self, "doubt"], { ...doubt });
  }

  function hearDoubt({ payload }: BusMessage): void {
    const doubt = readDoubt(payload);
    if (doubt === undefined || doubt.life === self) return;
    if (!heard.has(doubt.life) && heard.size >= maxLives) forgetOne(heard);
    // The one that came last, not the highest: it can only shorten what is promised, and a forged one does not stay.
    heard.set(doubt.life, doubt.n);
    const asked = sentAt.get(doubt.heard[self] ?? 0);
    if (asked !== undefined) {
      if (!promised.has(doubt.life) && promised.size >= maxLives) forgetOne(promised);
      promised.set(doubt.life, Math.max(asked + doubt.buriesNobodyMs, promised.get(doubt.life) ?? 0));
    }
    // Once for all who are in doubt.
    if (doubting || now() < saidFineAt + lookMs) return;
    saidFineAt = now();
    bus.publish(["leases", self, "fine"], { life: self });
  }

  /** Makes room: for a life that was there at the last renewal none of those is forgotten. */
  function forgetOne(lives: Map<string, number>): void {
    const others = heartbeat.lastRenewal?.others ?? [];
    for (const life of lives.keys()) if (!others.includes(life)) return void lives.delete(life);
  }

  function hearFine({ key }: BusMessage): void {
    const life = key[1];
    if (!doubting || life === undefined || life === self || !lifeForm.test(life)) return;
    if (newcomers.size < maxLives) newcomers.add(life);
  }

  return {
    name: "cut-off watch",
    mayBury: () => now() >= abstainsUntil,
    async start() {
      const own = await Promise.all([
        bus.subscribe(["leases", null, "doubt"], hearDoubt),
        bus.subscribe(["leases", null, "fine"], hearFine),
      ]);
      subscription = { unsubscribe: async () => void (await Promise.all(own.map((one) => one.unsubscribe()))) };
      timer = setInterval(look, lookMs);
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

function readDoubt(payload: unknown): Doubt | undefined {
  if (typeof payload !== "object" || payload === null) return undefined;
  const { life, n, buriesNobodyMs, heard } = payload as Partial<Record<keyof Doubt, unknown>>;
  const isWhole =
    typeof life === "string" && lifeForm.test(life) && typeof n === "number" && typeof buriesNobodyMs === "number";
  return isWhole && typeof heard === "object" && heard !== null ? (payload as Doubt) : undefined;
}
