import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, errors, systemClock, type Timer } from "@multimaster/core";
import { BodyShares } from "./body-shares.ts";

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
 * Reads a request's body; one that is too long is refused before it is in memory. `share` is the address in whose share it
 * counts; undefined: none.
 */
export type ReadBody = (exchange: Exchange, maxBytes: number, share: string | undefined) => Promise<Buffer>;

/** A body that is being read. */
interface Reading {
  readonly refuse: (error: Error) => void;
}

/**
 * Creates a reader that bounds the memory of all bodies together, and the time that each may take. Without memory for more,
 * the oldest body of the network and address with the most is refused, so that no network keeps others from sending.
 */
export function createBodyReader(limits: BodyLimits): ReadBody {
  const { minBytesPerSecond, intervalMs, clock } = limits;
  const memory = new BodyMemory(limits);

  return ({ req, res }, maxBytes, share) =>
    new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      let length = 0;
      let before = 0;
      let timer: Timer | undefined;

      const finish = (act: () => void) => {
        timer?.cancel();
        memory.endReading(reading);
        req.off("data", take).off("end", done).off("error", failed).off("close", cut);
        act();
      };
      // Not destroyed, so that the client can read the reason. Further input is discarded, and the connection ends.
      const refuse = (error: Error) =>
        finish(() => {
          release();
          pieces.length = 0;
          if (!res.headersSent) res.setHeader("Connection", "close");
          req.resume();
          reject(error);
        });
      const reading: Reading = { refuse };
      const take = (piece: Buffer) => {
        length += piece.length;
        if (length > maxBytes) return refuse(errors.bodyTooLarge(maxBytes));
        if (!memory.admit(reading, share, held, piece.length)) return refuse(errors.tooManyBodies());
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
      const release = () => {
        memory.release(share, held);
        held = 0;
      };
      res.once("close", release);
      if (Number(req.headers["content-length"] ?? 0) > maxBytes) return refuse(errors.bodyTooLarge(maxBytes));
      timer = clock.after(intervalMs, checkPace);
      req.on("data", take).on("end", done).on("error", failed).on("close", cut);
    });
}

/** The memory of all bodies, until their answers have been sent. */
class BodyMemory {
  readonly #limits: Pick<BodyLimits, "maxInFlight" | "maxOfShare">;
  readonly #bytesOf = new Map<string, number>();
  /** Only those that are still being read can make way. */
  readonly #reading = new BodyShares<Reading>();
  #inFlight = 0;

  constructor(limits: Pick<BodyLimits, "maxInFlight" | "maxOfShare">) {
    this.#limits = limits;
  }

  /** Counts more bytes of a body that already occupies some. False: there is no room for them. */
  admit(reading: Reading, share: string | undefined, held: number, more: number): boolean {
    if (share !== undefined) {
      if ((this.#bytesOf.get(share) ?? 0) + more > this.#limits.maxOfShare) return false;
      this.#reading.set(share, reading, held + more);
    }
    while (this.#inFlight + more > this.#limits.maxInFlight) {
      const largest = this.#reading.oldestOfLargest();
      if (largest === undefined || largest === reading) return false;
      largest.refuse(errors.tooManyBodies());
    }
    this.#count(share, more);
    return true;
  }

  endReading(reading: Reading): void {
    this.#reading.delete(reading);
  }

  release(share: string | undefined, bytes: number): void {
    this.#count(share, -bytes);
  }

  #count(share: string | undefined, bytes: number): void {
    this.#inFlight += bytes;
    if (share === undefined) return;
    const left = (this.#bytesOf.get(share) ?? 0) + bytes;
    if (left > 0) this.#bytesOf.set(share, left);
    else this.#bytesOf.delete(share);
  }
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
