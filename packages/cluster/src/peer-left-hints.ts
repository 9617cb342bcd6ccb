import type { Bus, BusMessage, Subscription } from "@multimaster/bus";
import type { Service } from "@multimaster/core";
import { nameIncarnation } from "./incarnation.ts";
import type { Lease } from "./lease.ts";
import { monotonicMs } from "./monotonic.ts";

export interface PeerLeftHintsOptions {
  bus: Bus;
  lease: Lease;
  /** A master has left the router: it may be dead. Only its lease shows that. */
  onPeerLeft(masterid: number): void;
}

/** More masters than a cluster has: a publisher can name any number of them. */
const maxMasters = 1000;
/** A router's sessions are numbers; no name of one is longer. */
const maxSessionLength = 64;
/** One message of this master is meant for all that have just come. */
const publishEveryMs = 100;

/**
 * Knows which session at the message router is which master's, and reports when one leaves. Masters publish theirs
 * whenever they connect, and once more to each newcomer.
 */
export function createPeerLeftHints({ bus, lease, onPeerLeft }: PeerLeftHintsOptions): Service {
  const masterOf = new Map<string, number>();
  const sessionOf = new Map<number, string>();
  const ends: (() => void)[] = [];
  let subscription: Subscription | undefined;
  let pending: NodeJS.Timeout | undefined;
  let publishedAt = Number.NEGATIVE_INFINITY;

  function publishSession(): void {
    const { session } = bus;
    publishedAt = monotonicMs();
    if (session !== null)
      bus.publish(["leases", nameIncarnation(lease), "session"], { masterid: lease.masterid, session });
  }

  /** Once for all that come at the same time, however many there are. */
  function publishSoon(): void {
    const waitMs = publishedAt + publishEveryMs - monotonicMs();
    if (waitMs <= 0) return publishSession();
    pending ??= setTimeout(() => {
      pending = undefined;
      publishSession();
    }, waitMs);
    pending.unref();
  }

  function hear({ payload }: BusMessage): void {
    const { masterid, session } = (payload ?? {}) as { masterid?: unknown; session?: unknown };
    if (!Number.isSafeInteger(masterid) || typeof session !== "string" || session.length > maxSessionLength) return;
    if (masterid === lease.masterid || masterOf.get(session) === masterid) return;
    note(masterid as number, session);
    publishSoon();
  }

  function note(masterid: number, session: string): void {
    forget(sessionOf.get(masterid));
    forget(session);
    if (sessionOf.size >= maxMasters) forget(masterOf.keys().next().value);
    masterOf.set(session, masterid);
    sessionOf.set(masterid, session);
  }

  function forget(session: string | undefined): void {
    const masterid = session === undefined ? undefined : masterOf.get(session);
    if (masterid === undefined) return;
    masterOf.delete(session as string);
    sessionOf.delete(masterid);
  }

  return {
    name: "peer-left hints",
    async start() {
      subscription = await bus.subscribe(["leases", null, "session"], hear);
      ends.push(
        bus.onState((state) => {
          if (state === "connected") publishSession();
        }),
        bus.onPeerLeft((session) => {
          const masterid = masterOf.get(session);
          if (masterid === undefined) return;
          forget(session);
          onPeerLeft(masterid);
        }),
      );
      publishSession();
    },
    async stop() {
      for (const end of ends.splice(0)) end();
      clearTimeout(pending);
      pending = undefined;
      await subscription?.unsubscribe();
      subscription = undefined;
    },
  };
}
