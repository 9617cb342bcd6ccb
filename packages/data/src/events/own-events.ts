import type { Logger } from "@multimaster/core";
import type { AnyResource } from "../model/define-resource.ts";

/** The events that this process publishes, for its own services: they hear of them before the objects are read. */
export interface OwnEvents {
  note(resource: AnyResource, event: string): void;
  /** `event` null means all of them. Returns how to end it. */
  listen(resource: AnyResource, event: string | null, handler: () => void): () => void;
}

export function createOwnEvents(log: Logger): OwnEvents {
  const handlers = new Map<AnyResource, Set<{ readonly event: string | null; readonly handler: () => void }>>();
  return {
    note(resource, event) {
      for (const listener of handlers.get(resource) ?? []) {
        if (listener.event !== null && listener.event !== event) continue;
        // A publisher never runs a subscriber's code.
        queueMicrotask(() => {
          try {
            listener.handler();
          } catch (error) {
            log.error({ err: error, of: resource.plural, event }, "a message handler failed");
          }
        });
      }
    },
    listen(resource, event, handler) {
      const known = handlers.get(resource) ?? new Set();
      handlers.set(resource, known);
      const listener = { event, handler };
      known.add(listener);
      return () => void known.delete(listener);
    },
  };
}
