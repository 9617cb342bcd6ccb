import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, errors, systemClock, type Timer } from "@multimaster/core";

const mebibyte = 1024 * 1024;

export interface BodyLimits {
  /** Maximum bytes of all bodies held at the same time. */
  readonly maxInFlight: number;
  /** Maximum bytes of one share, so that no client alone prevents others from sending. */
  readonly maxOfShare: number;
  /** A body that arrives more slowly than this, measured over each interval, is cut. */
  readonly minBytesPerSecond: number;
  readonly intervalMs: number;
  readonly clock: Pick<Clock, "after">;
}

/** A request whose body is read; the body counts until its answer has been sent. */
interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/**
 * Reads a request's body; one that is too long is refused before it is in memory. `share` names the share in which it counts;
 * undefined: none.
 */
export type ReadBody = (exchange: Exchange, maxBytes: number, share: string | undefined) => Promise<Buffer>;

/** Creates a reader that bounds the memory of all bodies together, and the time that each may take. */
export function createBodyReader(limits: BodyLimits): ReadBody {
  const { maxInFlight, maxOfShare, minBytesPerSecond, intervalMs, clock } = limits;
  let inFlight = 0;
  const shares = new Map<string, number>();

  function count(share: string | undefined, bytes: number): void {
    inFlight += bytes;
    if (share === undefined) return;
    const left = (shares.get(share) ?? 0) + bytes;
    if (left > 0) shares.set(share, left);
    else shares.delete(share);
  }

  /** Whether there is no room for this many bytes. */
  function isFull(share: string | undefined, bytes: number): boolean {
    if (inFlight + bytes > maxInFlight) return true;
    return share !== undefined && (shares.get(share) ?? 0) + bytes > maxOfShare;
  }

  return ({ req, res }, maxBytes, share) =>
    new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      let length = 0;
      let before = 0;
      let timer: Timer | undefined;

      const finish = (act: () => void) => {
        timer?.cancel();
        req.off("data", take).off("end", done).off("error", failed).off("close", cut);
        act();
      };
      // Not destroyed, so that the client can read the reason. Further input is discarded, and the connection ends.
      const refuse = (error: Error) =>
        finish(() => {
          if (!res.headersSent) res.setHeader("Connection", "close");
          req.resume();
          reject(error);
        });
      const take = (piece: Buffer) => {
        length += piece.length;
        if (length > maxBytes) return refuse(errors.bodyTooLarge(maxBytes));
        if (isFull(share, piece.length)) return refuse(errors.tooManyBodies());
        count(share, piece.length);
        held += piece.length;
        pieces.push(piece);
      };
      const done = () => finish(() => resolve(Buffer.concat(pieces)));
      const failed = (error: Error) => finish(() => reject(error));
      const cut = () => finish(() => reject(errors.requestInvalid("The request ended before its body did.")));
      const checkPace = () => {
        if (length - before < (minBytesPerSecond * intervalMs) / 1000) return refuse(errors.bodyTooSlow());
        before = length;
        timer = clock.after(intervalMs, checkPace);
      };

      let held = 0;
      res.once("close", () => count(share, -held));
      if (Number(req.headers["content-length"] ?? 0) > maxBytes) return refuse(errors.bodyTooLarge(maxBytes));
      timer = clock.after(intervalMs, checkPace);
      req.on("data", take).on("end", done).on("error", failed).on("close", cut);
    });
}

/** One reader for all masters in the process, because they share its memory. */
export const readBody = createBodyReader({
  maxInFlight: 128 * mebibyte,
  // The largest body of a hook, and some more.
  maxOfShare: 40 * mebibyte,
  minBytesPerSecond: 1024,
  intervalMs: 10_000,
  clock: systemClock,
});
