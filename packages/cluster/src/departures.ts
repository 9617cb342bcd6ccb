import type { Bus, BusMessage, Subscription } from "@multimaster/bus";
import type { Service } from "@multimaster/core";
import type { Lease } from "./lease.ts";
import { nameLife } from "./life.ts";

export interface DeparturesOptions {
  bus: Bus;
  lease: Lease;
  /** A master has left the router: it may be dead. Only its lease can tell. */
  onDeparted(masterid: number): void;
}

/**
 * Knows which session at the message router is which master's, and tells when one leaves. Masters announce theirs whenever
 * they connect, and once more to each newcomer.
 */
export function createDepartures({ bus, lease, onDeparted }: DeparturesOptions): Service {
  const masterOf = new Map<string, number>();
  const ends: (() => void)[] = [];
  let subscription: Subscription | undefined;

  function announce(): void {
    const { session } = bus;
    if (session !== null) bus.publish(["leases", nameLife(lease), "session"], { masterid: lease.masterid, session });
  }

  function hear({ payload }: BusMessage): void {
    const { masterid, session } = (payload ?? {}) as { masterid?: unknown; session?: unknown };
    if (typeof masterid !== "number" || typeof session !== "string" || masterid === lease.masterid) return;
    if (masterOf.get(session) === masterid) return;
    for (const [old, owner] of masterOf) if (owner === masterid) masterOf.delete(old);
    masterOf.set(session, masterid);
    announce();
  }

  return {
    name: "departures",
    async start() {
      subscription = await bus.subscribe(["leases", null, "session"], hear);
      ends.push(
        bus.onState((state) => {
          if (state === "connected") announce();
        }),
        bus.onPeerLeft((session) => {
          const masterid = masterOf.get(session);
          if (masterid === undefined) return;
          masterOf.delete(session);
          onDeparted(masterid);
        }),
      );
      announce();
    },
    async stop() {
      for (const end of ends.splice(0)) end();
      await subscription?.unsubscribe();
      subscription = undefined;
    },
  };
}
