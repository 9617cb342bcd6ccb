import type { LinkEnd } from "./link-errors.ts";
import type { Transport, TransportReceiver } from "./transport.ts";

/** Two connected transports in memory: what one sends, the other receives later and in order, as over a socket. */
export function createTransportPair(): [Transport, Transport] {
  const a = new MemoryTransport();
  const b = new MemoryTransport();
  a.join(b);
  b.join(a);
  return [a, b];
}

class MemoryTransport implements Transport {
  #peer: MemoryTransport | undefined;
  #receiver: TransportReceiver | undefined;
  #incoming: Uint8Array[] = [];
  #end: LinkEnd | undefined;
  #closed = false;
  #paused = false;
  #scheduled = false;

  join(peer: MemoryTransport): void {
    this.#peer = peer;
  }

  open(receiver: TransportReceiver): void {
    this.#receiver = receiver;
    this.#schedule();
  }

  send(frame: Uint8Array): void {
    if (!this.#closed) this.#peer?.accept(frame);
  }

  accept(frame: Uint8Array): void {
    if (this.#closed || this.#end !== undefined) return;
    this.#incoming.push(frame);
    this.#schedule();
  }

  acceptEnd(end: LinkEnd): void {
    this.#end ??= end;
    this.#paused = false;
    this.#schedule();
  }

  close(code: number, reason: string): void {
    this.#finish({ code, reason });
  }

  terminate(): void {
    this.#incoming = [];
    this.#finish({ code: 1006, reason: "" });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  #finish(end: LinkEnd): void {
    this.#peer?.acceptEnd(end);
    this.acceptEnd(end);
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const receiver = this.#receiver;
    if (receiver === undefined || this.#closed) return;
    // One turn of the event loop delivers only a few frames, so that a busy local worker does not starve the master.
    for (let n = 0; n < 16 && !this.#paused && !this.#closed; n += 1) {
      const frame = this.#incoming.shift();
      if (frame === undefined) break;
      receiver.onFrame(frame);
    }
    if (this.#incoming.length > 0 && !this.#paused) return this.#schedule();
    if (this.#end !== undefined && this.#incoming.length === 0 && !this.#closed) {
      this.#closed = true;
      receiver.onClose(this.#end);
    }
  }
}
