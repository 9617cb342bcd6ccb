import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, errors, systemClock, type Timer } from "@multimaster/core";

const mebibyte = 1024 * 1024;

export interface BodyLimits {
  /** Bytes of all bodies that are held at the same time. */
  readonly maxInFlight: number;
  /** Of these, bytes of one share: no one alone keeps others from sending theirs. */
  readonly maxOfShare: number;
  /** A body that brings less than this in a second, over each interval, is cut. */
  readonly minBytesPerSecond: number;
  readonly intervalMs: number;
  readonly clock: Pick<Clock, "after">;
}

/** A request whose body is read; until its answer has been sent the body counts. */
interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/**
 * Reads a request's body as it was sent; one that is too long is refused before it is in memory. `share` says towards whose
 * share it counts; undefined: nobody's.
 */
export type ReadBody = (exchange: Exchange, maxBytes: number, share: string | undefined) => Promise<Buffer>;

/** Makes a reader whose bodies, together, never take more memory than they may, nor a place for longer than they need. */
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

  /** Whether there is no room for so many more. */
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
      // Not destroyed: the client is to read why. What it still sends is thrown away, and the connection ends.
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

/** One for all: the memory is the process's. */
export const readBody = createBodyReader({
  maxInFlight: 128 * mebibyte,
  // The largest that a hook takes, and what goes beside it.
  maxOfShare: 40 * mebibyte,
  minBytesPerSecond: 1024,
  intervalMs: 10_000,
  clock: systemClock,
});
