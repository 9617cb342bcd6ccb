import { type Bus, notesOf } from "@multimaster/bus";
import type { Logger } from "@multimaster/core";
import type { AnyResource } from "../model/define-resource.ts";

/** The events that this process publishes, for its own services in all of its threads: they hear of them before the objects are read. */
export interface OwnEvents {
  note(resource: AnyResource, event: string): void;
  /** `event` null means all of them. Returns how to end it. */
  listen(resource: AnyResource, event: string | null, handler: () => void): () => void;
}

export function createOwnEvents(bus: Bus, log: Logger): OwnEvents {
  const notes = notesOf(bus);

  function call(handler: () => void, of: string, event: string | null): void {
    try {
      handler();
    } catch (error) {
      log.error({ err: error, of, event }, "a message handler failed");
    }
  }

  return {
    note({ plural }, event) {
      // Waking another thread costs more than to look whether one listens.
      if (bus.interest?.has([plural, event]) !== false) notes.send(`${plural}/${event}`);
    },
    listen({ plural }, event, handler) {
      const of = `${plural}/`;
      // No topic of the bus has two parts.
      bus.interest?.add([plural, event]);
      const end = notes.listen((note) => {
        if (event === null ? !note.startsWith(of) : note !== of + event) return;
        // A publisher never runs a subscriber's code.
        queueMicrotask(() => call(handler, plural, event));
      });
      let isEnded = false;
      return () => {
        if (isEnded) return;
        isEnded = true;
        bus.interest?.remove([plural, event]);
        end();
      };
    },
  };
}
