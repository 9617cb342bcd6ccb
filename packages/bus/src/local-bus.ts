import type { Logger } from "@multimaster/core";
import type { Bus, LocalBusOptions } from "./contract.ts";
import { Interest } from "./interest.ts";
import { assertKey, assertPattern } from "./key.ts";
import { LocalDelivery } from "./local-delivery.ts";
import { capPayload, DEFAULT_MAX_PAYLOAD, freezePayload } from "./payload.ts";

/** Messages within one process: the embedded default, and the whole bus of a cluster configured without one. */
export function createLocalBus(options: LocalBusOptions, log: Logger): Bus {
  const interest = new Interest();
  const delivery = new LocalDelivery(log, interest);
  const maxPayload = options.maxPayload ?? DEFAULT_MAX_PAYLOAD;
  return {
    name: "bus",
    kind: options.kind,
    interest,
    state: "connected",
    degradedSince: null,
    start: async () => {},
    stop: async () => delivery.close(),
    ready: () => true,
    onState: () => () => {},
    session: null,
    received: { router: 0, notify: 0 },
    onPeerLeft: () => () => {},
    publish(key, payload) {
      try {
        assertKey(key);
        delivery.deliver(key, "self", () => freezePayload(JSON.parse(capPayload(payload, maxPayload).text)));
      } catch (error) {
        log.error({ err: error, key }, "a message could not be published");
      }
    },
    async subscribe(pattern, handler) {
      assertPattern(pattern);
      const remove = delivery.add(pattern, handler);
      return { unsubscribe: async () => remove() };
    },
  };
}
