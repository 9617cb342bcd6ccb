/** A step whose code is running in this master's event loop. */
export interface StepPlace {
  readonly builder: string;
  readonly step: string;
  readonly buildid: number;
}

const headBytes = 16;
const textBytes = 4096;

/**
 * What the event loop shows to the outside: that it turns, and whose code it is about to run. It is shared memory,
 * because a loop that stands still cannot report anything; the heartbeat thread polls it.
 */
export class LoopSign {
  readonly memory: SharedArrayBuffer;
  /** When it turned last, in milliseconds of the clock that all threads share; 0: no one watches. */
  #turned: BigInt64Array;
  #length: Int32Array;
  #text: Uint8Array;

  constructor(memory = new SharedArrayBuffer(headBytes + textBytes)) {
    this.memory = memory;
    this.#turned = new BigInt64Array(memory, 0, 1);
    this.#length = new Int32Array(memory, 8, 1);
    this.#text = new Uint8Array(memory, headBytes, textBytes);
  }

  /** The loop turns. */
  tick(): void {
    Atomics.store(this.#turned, 0, nowMs());
  }

  /** The loop is watched no more. */
  rest(): void {
    Atomics.store(this.#turned, 0, 0n);
  }

  /** Control goes to the code of these steps. */
  show(places: readonly StepPlace[]): void {
    const bytes = Buffer.from(places.length === 0 ? "" : JSON.stringify(places.slice(0, 8)));
    const length = bytes.length > textBytes ? 0 : bytes.length;
    this.#text.set(bytes.subarray(0, length));
    Atomics.store(this.#length, 0, length);
  }

  /** Since how many milliseconds the loop has not turned. */
  stillMs(): number {
    const turned = Atomics.load(this.#turned, 0);
    return turned === 0n ? 0 : Number(nowMs() - turned);
  }

  /** The steps shown last, as JSON. */
  places(): string {
    const text = Buffer.from(this.#text.subarray(0, Atomics.load(this.#length, 0))).toString();
    return isJson(text) ? text : "[]";
  }
}

function nowMs(): bigint {
  return process.hrtime.bigint() / 1_000_000n;
}

/** A loop that comes back in the very moment may be writing. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
