import type { Logger } from "@multimaster/core";
import type { FrameTime } from "../frame-time.ts";
import type { PbWorkerLink } from "./pb-worker-link.ts";
import type { StreamTransport } from "./stream-transport.ts";

export interface LivenessOptions {
  log: Logger;
  /** Of the expression that is arriving. */
  frame: FrameTime;
  /** Interval of the calls to a worker. */
  pingMs: number;
  /** The connection is cut when nothing was received, nothing was read, or one expression has not ended, for this long. */
  deadMs: number;
}

/** Calls a worker now and then, and cuts its connection when it is silent or drips. Ends with the connection. */
export function watchLiveness(link: PbWorkerLink, transport: StreamTransport, options: LivenessOptions): void {
  const { log, frame, pingMs, deadMs } = options;
  let isProbing = false;
  const timer = setInterval(() => {
    const now = performance.now();
    const { congestedAt } = transport;
    if (congestedAt !== undefined && now - congestedAt > deadMs) return cut("it read nothing");
    if (now - transport.heardAt > deadMs && !link.mayBeBlocked) return cut("nothing was received");
    if (!transport.isReading || link.mayBeBlocked) frame.reset();
    if (frame.isLate(now, deadMs)) return cut("one expression has not ended");
    if (isProbing) return;
    isProbing = true;
    link
      .ping(10 * deadMs)
      // Only whether anything is received counts.
      .catch(() => undefined)
      .finally(() => {
        isProbing = false;
      });
  }, pingMs);
  timer.unref();
  void link.closed.then(() => clearInterval(timer));

  function cut(why: string): void {
    const sentence = `worker ${link.name}: ${why} for ${Math.round(deadMs / 1000)} s; the connection is cut`;
    log.warn({ peer: `worker ${link.name}` }, sentence);
    link.terminate();
  }
}
