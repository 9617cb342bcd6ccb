import { createBus } from "@multimaster/bus";
import type { Lease } from "@multimaster/cluster";
import { silentLog, systemClock } from "@multimaster/core";
import { createEvents, createUpdates, type Updates } from "@multimaster/data";
import type { Database } from "@multimaster/database";
import { onCleanup } from "./cleanup.ts";

/** What a master with this lease may write, its messages unheard. */
export function updatesOf(database: Database, lease: Lease): Updates {
  const bus = createBus({ kind: "in-process" }, silentLog);
  const events = createEvents({ bus, connection: database, log: silentLog });
  const updates = createUpdates({ database, lease, events, clock: systemClock, log: silentLog });
  onCleanup(() => updates.close());
  return updates;
}
