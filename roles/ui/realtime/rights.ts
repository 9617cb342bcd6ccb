import type { IncomingMessage } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { type Clock, UserError } from "@multimaster/core";
import type { Visitor } from "../access/visitor.ts";

/** Identifies the owner of a connection; only the implementation of `ListeningRights` reads it. */
export type Listener = object;

/** Decides which events a connection receives. */
export interface ListeningRights {
  /** Identifies the sender; undefined if they may not listen, which is answered with 403. Called again while it listens. */
  identify(request: IncomingMessage): Promise<Listener | undefined>;
  /**
   * Checked when a subscription starts, with its path (`*` for any part), and for each event, with its key and object, so that
   * a revoked right ends immediately.
   */
  mayRead(listener: Listener, path: readonly string[], object?: unknown): boolean;
  /** The maximum number of paths of one connection. */
  maxPaths(listener: Listener): number;
  /** The maximum duration of a connection; then the client must reconnect and is checked again. */
  longestMs(listener: Listener): number;
  /** The address of a connection, also behind proxies; each address has a limit of connections. */
  addressOf(request: IncomingMessage): string;
}

/**
 * Creates a check of whether a connection still has the identity that it had when it opened. An unreachable database does not
 * change the result.
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
  // The rows are checked again.
  nothing: Number.POSITIVE_INFINITY,
  session: Number.POSITIVE_INFINITY,
  token: Number.POSITIVE_INFINITY,
  // The proxy may have logged its user out, which only a new request shows.
  proxy: 10 * 60_000,
};

/** How long a visitor may listen on one connection. */
export function longestListening({ by }: Pick<Visitor, "by">): number {
  return longest[by];
}

/** A page of a build with hundreds of steps subscribes to each; no page needs more than this. */
export const mostPaths = { anonymous: 300, loggedIn: 5_000 } as const;
