import type { LinkEnd } from "./link-errors.ts";

/** What a link is told by the transport below it. */
export interface TransportReceiver {
  onFrame(frame: Uint8Array): void;
  /** The other end sent something that is not a binary message. */
  onViolation(code: number, sentence: string): void;
  /** Called once; nothing comes after it. */
  onClose(end: LinkEnd): void;
}

/** Carries binary frames between a master and a worker, in order: a WebSocket, or a pair in memory. */
export interface Transport {
  /** Begins delivery. Called once, before anything can have been received. */
  open(receiver: TransportReceiver): void;
  send(frame: Uint8Array): void;
  /** Ends politely: frames already sent are delivered first. */
  close(code: number, reason: string): void;
  /** Ends at once. */
  terminate(): void;
  /** Stops reading, so that the sender has to wait. */
  pause(): void;
  resume(): void;
}
