import { type Clock, type Logger, systemClock } from "@multimaster/core";
import type { Bus, BusOptions } from "./contract.ts";
import { createLocalBus } from "./local-bus.ts";
import { createMutedBus } from "./muted-bus.ts";
import { createPostgresBus } from "./postgres/postgres-bus.ts";
import { createWampBus } from "./wamp/wamp-bus.ts";

/** Creates the bus of a configuration; the bus does nothing until it is started. */
export function createBus(options: BusOptions, log: Logger, clock: Clock = systemClock): Bus {
  if (options.mute) return createMutedBus(options.kind);
  switch (options.kind) {
    case "in-process":
    case "none":
      return createLocalBus(options, log);
    case "wamp":
      return createWampBus(options, log, clock);
    case "postgres":
      return createPostgresBus(options, log, clock);
  }
}
