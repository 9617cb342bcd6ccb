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

function describeServer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "postgres:" && url?.protocol !== "postgresql:") throw errors.databaseUrlInvalid(text);
  return `${url.protocol}//${url.host}${url.pathname}`;
}
