import type { Bus, BusOptions } from "./contract.ts";
import { assertPattern } from "./key.ts";

/** A bus that delivers nothing: with it the cluster must reach the same rows, only later. */
export function createMutedBus(kind: BusOptions["kind"]): Bus {
  return {
    name: "bus",
    kind,
    isMuted: true,
    state: "connected",
    degradedSince: null,
    start: async () => {},
    stop: async () => {},
    ready: () => true,
    onState: () => () => {},
    session: null,
    received: { router: 0, notify: 0 },
    onPeerLeft: () => () => {},
    publish() {},
    async subscribe(pattern) {
      assertPattern(pattern);
      return { unsubscribe: async () => {} };
    },
  };
}
