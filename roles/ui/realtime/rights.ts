import type { IncomingMessage } from "node:http";

/** Who a connection belongs to, as far as the one who decides wants to remember it. */
export type Listener = object;

/** Decides who hears what. */
export interface ListeningRights {
  /** Who asks to listen; undefined: nobody who may, which is answered with 403. */
  identify(request: IncomingMessage): Promise<Listener | undefined>;
  /**
   * Asked when somebody starts to listen, with the path as given (`*` for any part), and again for each event, with its
   * key and object, so that a right that was taken away ends at once.
   */
  mayRead(listener: Listener, path: readonly string[], object?: unknown): boolean;
}

/** Everybody hears everything. */
export const openToAll: ListeningRights = {
  identify: async () => ({}),
  mayRead: () => true,
};
