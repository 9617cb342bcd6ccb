import { randomUUID } from "node:crypto";
import { type Clock, errors, type Logger } from "@multimaster/core";
import type { Bus, PostgresBusOptions } from "../contract.ts";
import type { Dialer } from "../link.ts";
import { NetworkBus } from "../network-bus.ts";
import { payloadRoom } from "./envelope.ts";

/** Messages through LISTEN/NOTIFY of the database, for a small cluster without a router. */
export function createPostgresBus(options: PostgresBusOptions, log: Logger, clock: Clock): Bus {
  const sender = randomUUID();
  const dialer: Dialer = {
    where: describeServer(options.url),
    maxPayload: payloadRoom,
    async dial({ receive }, signal) {
      // Loaded on first use: a master with another bus does not load the driver here.
      const { openPostgresLink } = await import("./postgres-link.ts");
      signal.throwIfAborted();
      return openPostgresLink(options, sender, receive, signal);
    },
  };
  return new NetworkBus("postgres", dialer, log, clock);
}

/** The scheme, the hosts (there may be several, which is no URL to `URL`) and the database: neither user nor password. */
function describeServer(text: string): string {
  const [, scheme, place] =
    /^(postgres(?:ql)?:\/\/)(?:[^/?#]*@)?([^/?#@]+(?:\/[^?#@]*)?)?(?:[?#].*)?$/s.exec(text) ?? [];
  if (scheme === undefined) throw errors.databaseUrlInvalid(text.replace(/\/\/.*@/s, "//"));
  return `${scheme}${place ?? ""}`;
}
