import { type Clock, errors, type Logger } from "@multimaster/core";
import type { Bus, WampBusOptions } from "../contract.ts";
import type { Dialer } from "../link.ts";
import { NetworkBus } from "../network-bus.ts";
import { DEFAULT_MAX_PAYLOAD } from "../payload.ts";
import { PostgresWakeups } from "../wakeups/postgres-wakeups.ts";

/** Messages through a WAMP router, in the topics and shapes of Buildbot's masters (docs/spec/messages.md). */
export function createWampBus(options: WampBusOptions, log: Logger, clock: Clock): Bus {
  const maxPayload = options.maxPayload ?? DEFAULT_MAX_PAYLOAD;
  const dialer: Dialer = {
    where: describeRouter(options.router),
    maxPayload: () => maxPayload,
    async dial(incoming, signal) {
      // Loaded on first use: a master with another bus does not load the library.
      const { openWampLink } = await import("./wamp-link.ts");
      signal.throwIfAborted();
      return openWampLink(options, incoming, signal);
    },
  };
  const wakeups = options.notify && new PostgresWakeups(options.notify, log, clock);
  return new NetworkBus("wamp", dialer, log, clock, wakeups);
}

function describeRouter(router: string): string {
  const url = URL.canParse(router) ? new URL(router) : undefined;
  if (url?.protocol !== "ws:" && url?.protocol !== "wss:") throw errors.routerUrlInvalid(router);
  return `${url.protocol}//${url.host}${url.pathname}`;
}
