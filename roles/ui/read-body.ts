import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, errors, systemClock, type Timer } from "@multimaster/core";

const mebibyte = 1024 * 1024;

export interface BodyLimits {
  /** Bytes of all bodies that are held at the same time. */
  readonly maxInFlight: number;
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

/** Reads a request's body as it was sent; one that is too long is refused before it is in memory. */
export type ReadBody = (exchange: Exchange, maxBytes: number) => Promise<Buffer>;

/** Makes a reader whose bodies, together, never take more memory than they may, nor a place for longer than they need. */
export function createBodyReader({ maxInFlight, minBytesPerSecond, intervalMs, clock }: BodyLimits): ReadBody {
  let inFlight = 0;

  return ({ req, res }, maxBytes) =>
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
        if (inFlight + piece.length > maxInFlight) return refuse(errors.tooManyBodies());
        inFlight += piece.length;
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
      res.once("close", () => {
        inFlight -= held;
      });
      if (Number(req.headers["content-length"] ?? 0) > maxBytes) return refuse(errors.bodyTooLarge(maxBytes));
      timer = clock.after(intervalMs, checkPace);
      req.on("data", take).on("end", done).on("error", failed).on("close", cut);
    });
}

/** One for all: the memory is the process's. */
export const readBody = createBodyReader({
  maxInFlight: 128 * mebibyte,
  minBytesPerSecond: 1024,
  intervalMs: 10_000,
  clock: systemClock,
});
