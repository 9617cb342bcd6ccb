import type { Logger } from "@multimaster/core";
import { BadFrame, decodeFrame, encodeFrame, type Message } from "./frames.ts";
import { LinkClosed, type LinkEnd, RemoteException, RequestRefused } from "./link-errors.ts";
import { PendingAnswers } from "./pending-answers.ts";
import type { Transport } from "./transport.ts";

export interface LinkOptions {
  log: Logger;
  /** Name of the other end, for the log. */
  peer: string;
  /**
   * Answers one request of the other end: with its result, or with an exception if it throws. Called in arrival order; a
   * handler that returns a promise does not delay the next one. `bytes` is the size of the frame.
   */
  onRequest(op: string, fields: Message, bytes: number): unknown;
  /** A frame that breaks the protocol ends the connection at the master; a worker ignores it, like Python's worker. */
  onBadFrame: "close" | "ignore";
}

/**
 * One connection between a master and a worker, with the same class at both ends. It numbers its requests from 0, matches
 * the answers to them, and answers every request of the other end exactly once.
 */
export class Link {
  readonly peer: string;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<LinkEnd>;
  #transport: Transport;
  #options: LinkOptions;
  #nextNumber = 0;
  readonly #answers = new PendingAnswers<unknown>();
  #end: LinkEnd | undefined;
  #isDeaf = false;

  constructor(transport: Transport, options: LinkOptions) {
    this.peer = options.peer;
    this.#transport = transport;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      transport.open({
        onFrame: (frame) => this.#receive(frame),
        onViolation: (code, sentence) => this.#refuseFrame(code, sentence),
        onClose: (end) => {
          this.#finish(end);
          resolve(end);
        },
      });
    });
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Sends a request and resolves with its result; rejects with RemoteException, RequestTimedOut or LinkClosed. */
  request(op: string, fields: Message = {}, options: { timeoutMs?: number } = {}): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(new LinkClosed(this.#end));
    const number = this.#nextNumber;
    let frame: Uint8Array;
    try {
      frame = encodeFrame({ ...fields, op, seq_number: number });
    } catch (error) {
      return Promise.reject(new RequestRefused(`the request "${op}" cannot be packed`, { cause: error }));
    }
    this.#nextNumber += 1;
    const answer = this.#answers.wait(number, this.peer, op, options.timeoutMs);
    this.#transport.send(frame);
    return answer;
  }

  /** Ends the connection after everything sent so far. */
  close(code = 1000, reason = ""): void {
    if (this.#end === undefined) this.#transport.close(code, reason);
  }

  /** Ends the connection after everything sent so far, and takes nothing more from the other end. */
  hangUp(code: number, reason: string): void {
    this.#isDeaf = true;
    this.close(code, reason);
  }

  /** Cuts the connection. */
  terminate(): void {
    if (this.#end === undefined) this.#transport.terminate();
  }

  /** Stops reading; the other end's sends wait in its own buffers. */
  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  #receive(frame: Uint8Array): void {
    if (this.#end !== undefined || this.#isDeaf) return;
    let message: Message;
    try {
      message = decodeFrame(frame);
    } catch (error) {
      return this.#refuseFrame(1007, error instanceof BadFrame ? error.message : String(error));
    }
    const { op, seq_number: number, ...fields } = message;
    if (typeof op !== "string" || typeof number !== "number") {
      return this.#refuseFrame(1007, "a message has no op or no seq_number");
    }
    if (op === "response") this.#settle(number, message);
    else void this.#answer(number, op, fields, frame.length);
  }

  async #answer(number: number, op: string, fields: Message, bytes: number): Promise<void> {
    let response: Message;
    try {
      const result = await this.#options.onRequest(op, fields, bytes);
      response = { op: "response", seq_number: number, result: result ?? null };
    } catch (error) {
      response = this.#describeException(number, op, error);
    }
    if (this.#end !== undefined) return;
    let frame: Uint8Array;
    try {
      frame = encodeFrame(response);
    } catch (error) {
      frame = encodeFrame(this.#describeException(number, op, error));
    }
    this.#transport.send(frame);
  }

  #describeException(number: number, op: string, error: unknown): Message {
    const text = error instanceof Error ? error.message : String(error);
    if (!(error instanceof RequestRefused)) {
      this.#options.log.error({ peer: this.peer, op, err: error }, `${this.peer}: answering "${op}" failed`);
    }
    return { op: "response", seq_number: number, is_exception: true, result: text };
  }

  #settle(number: number, message: Message): void {
    const request = this.#answers.take(number);
    if ("is_exception" in message) request?.reject(new RemoteException(String(message["result"])));
    else request?.resolve(message["result"] ?? null);
  }

  #refuseFrame(code: number, sentence: string): void {
    const { log, onBadFrame } = this.#options;
    const closes = onBadFrame === "close";
    log.warn(
      { peer: this.peer },
      `${this.peer}: ${sentence}; ${closes ? "the connection is closed" : "it is ignored"}`,
    );
    if (closes) this.close(code, sentence);
  }

  #finish(end: LinkEnd): void {
    this.#end = end;
    this.#answers.end(new LinkClosed(end));
  }
}
