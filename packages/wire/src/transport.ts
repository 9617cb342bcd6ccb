import type { LinkEnd } from "./link-errors.ts";

/** What the transport below a link reports to it. */
export interface TransportReceiver {
  onFrame(frame: Uint8Array): void;
  /** The other end sent something that is not a binary message. */
  onViolation(code: number, sentence: string): void;
  /** Called once, after everything else. */
  onClose(end: LinkEnd): void;
}

/** Carries binary frames between a master and a worker, in order: a WebSocket, or a pair in memory. */
export interface Transport {
  /** Begins delivery. Called once, before anything is received. */
  open(receiver: TransportReceiver): void;
  send(frame: Uint8Array): void;
  /** Ends gracefully: frames already sent are delivered first. */
  close(code: number, reason: string): void;
  /** Ends immediately. */
  terminate(): void;
  /** Stops reading, so that the sender has to wait. */
  pause(): void;
  resume(): void;
}
