import type { IncomingMessage } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { type Clock, UserError } from "@multimaster/core";
import type { Visitor } from "../access/visitor.ts";

/** Who a connection belongs to, as far as the one who decides wants to remember it. */
export type Listener = object;

/** Decides who hears what. */
export interface ListeningRights {
  /** Who asks to listen; undefined: no one who may, which is answered with 403. Asked again while it listens. */
  identify(request: IncomingMessage): Promise<Listener | undefined>;
  /**
   * Asked when somebody starts to listen, with the path as given (`*` for any part), and again for each event, with its
   * key and object, so that a right that was taken away ends at once.
   */
  mayRead(listener: Listener, path: readonly string[], object?: unknown): boolean;
  /** How many paths this listener may listen to on one connection. */
  maxPaths(listener: Listener): number;
  /** How long this listener's connection may stay; then it must come again, and is judged again. */
  longestMs(listener: Listener): number;
  /** From where a connection comes, as far as one can know behind proxies: one address has so many and no more. */
  addressOf(request: IncomingMessage): string;
}

/**
 * Tells, whenever it is asked, whether a connection is still whose it was when it came; a database that is away tells nothing
 * about that.
 */
export function createStillCheck(
  { identify, longestMs }: Pick<ListeningRights, "identify" | "longestMs">,
  clock: Pick<Clock, "now">,
  listener: Listener,
  request: IncomingMessage,
): () => Promise<boolean> {
  const endsAt = clock.now() + longestMs(listener);
  return async () => {
    if (clock.now() >= endsAt) return false;
    try {
      return isDeepStrictEqual(await identify(request), listener);
    } catch (error) {
      return !(error instanceof UserError && error.status === 401);
    }
  };
}

const longest: Readonly<Record<Visitor["by"], number>> = {
  // The rows are asked again.
  nothing: Number.POSITIVE_INFINITY,
  session: Number.POSITIVE_INFINITY,
  token: Number.POSITIVE_INFINITY,
  // It may have logged its user out since, and says so to a new request only.
  proxy: 10 * 60_000,
};

/** How long a visitor may listen on one connection. */
export function longestListening({ by }: Pick<Visitor, "by">): number {
  return longest[by];
}

/** A page of a build with hundreds of steps listens to each; no one needs more than this. */
export const mostPaths = { anonymous: 300, loggedIn: 5_000 } as const;
