import type { Bus, Key } from "@multimaster/bus";
import type { Json, Logger } from "@multimaster/core";
import type { Connection } from "@multimaster/database";

/** A topic and what is published on it. */
export type Message = readonly [Key, Json];

/** Publishes what `read` returns, after everything that was enqueued before. It never fails. */
export type Enqueue = (read: () => Promise<readonly Message[]>) => Promise<void>;

/** Reads run side by side; publishing is in the order of the calls. */
export function createPublishQueue(options: { bus: Bus; connection: Connection; log: Logger }): Enqueue {
  const { bus, connection, log } = options;
  let tail: Promise<void> = Promise.resolve();
  return (read) => {
    const reading = read().catch((error: unknown) => {
      // Events only wake and show: their receivers read the rows as well, so nothing is lost.
      const isAway = connection.dialect.isAway(error);
      const sentence = "an event is not published because its rows could not be read; receivers find the rows later";
      if (isAway) log.debug({ err: error }, sentence);
      else log.warn({ err: error }, sentence);
      return [];
    });
    tail = tail.then(async () => {
      for (const [key, payload] of await reading) bus.publish(key, payload);
    });
    return tail;
  };
}
