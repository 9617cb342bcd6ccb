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
    note: ({ plural }, event) => notes.send(`${plural}/${event}`),
    listen({ plural }, event, handler) {
      const of = `${plural}/`;
      return notes.listen((note) => {
        if (event === null ? !note.startsWith(of) : note !== of + event) return;
        // A publisher never runs a subscriber's code.
        queueMicrotask(() => call(handler, plural, event));
      });
    },
  };
}
