import type { Broker } from "./broker.ts";
import { type Received, RemoteObject, Tuple } from "./values.ts";

/** Creating and, for some workers, deleting directories takes a while. */
const listMs = 30_000;
const firstSlots = 2;
/** A worker publishes about a thousand objects per connection, one for each name of the list. */
const maxSlots = 200;
const maxDirectories = 700;

/** An object of the worker that runs one command at a time; a second one would end the first. */
export interface Slot {
  readonly object: number;
  /** A command that has not completed. */
  busy: boolean;
  /** Interrupts that were not answered: they would hit the next command. */
  interrupts: number;
}

interface Waiting {
  resolve(slot: Slot): void;
  reject(error: Error): void;
}

/**
 * The objects of a worker that run commands. All lie in its `info` directory, where commands with absolute paths leave nothing
 * behind. More are declared when all are in use; commands that find none wait.
 */
export class Slots {
  #broker: Broker;
  #bot: number;
  #slots: Slot[] = [];
  #directories: readonly string[] = [];
  #waiting: Waiting[] = [];
  #declaring: Promise<void> | undefined;

  constructor(broker: Broker, bot: number) {
    this.#broker = broker;
    this.#bot = bot;
    void broker.closed.then(() => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error("the connection has ended"));
    });
  }

  /** Declares the first slots, and the directories that a worker which deletes unknown ones is to keep. */
  async configure(directories: readonly string[]): Promise<void> {
    this.#directories = [...new Set(directories.flatMap(withTop))].slice(0, maxDirectories);
    await this.#declare(Math.max(firstSlots, this.#slots.length));
  }

  /** Resolves with a slot that runs nothing, and marks it as busy. */
  take(): Promise<Slot> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#serve();
    });
  }

  /** To be called when a command has completed or an interrupt was answered. */
  changed(): void {
    this.#serve();
  }

  #serve(): void {
    for (const slot of this.#slots) {
      if (slot.busy || slot.interrupts > 0) continue;
      const next = this.#waiting.shift();
      if (next === undefined) return;
      slot.busy = true;
      next.resolve(slot);
    }
    if (this.#waiting.length === 0 || this.#slots.length >= maxSlots || this.#declaring !== undefined) return;
    const wanted = Math.min(maxSlots, Math.max(firstSlots, 2 * this.#slots.length));
    this.#declare(wanted).catch((error: Error) => {
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  #declare(count: number): Promise<void> {
    this.#declaring = (this.#declaring ?? Promise.resolve())
      .then(() => this.#list(count))
      .finally(() => {
        this.#declaring = undefined;
      });
    return this.#declaring.then(() => this.#serve());
  }

  /** The list is always complete: a command of a name that is missing would be killed. */
  async #list(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, n) => `slot-${n}`);
    const entries = [
      ...names.map((name) => new Tuple(name, "info")),
      ...this.#directories.map((directory) => new Tuple(`keep ${directory}`, directory)),
    ];
    const objects = await this.#broker.call(this.#bot, "setBuilderList", [entries], listMs);
    for (const name of names.slice(this.#slots.length))
      this.#slots.push({ object: readObject(objects, name), busy: false, interrupts: 0 });
  }
}

function readObject(objects: Received, name: string): number {
  const object = objects instanceof Map ? objects.get(name) : undefined;
  if (object instanceof RemoteObject) return object.id;
  throw new Error("the worker answered the list of its slots without an object for each");
}

/** A worker that deletes directories looks at the top of a nested one only. */
function withTop(directory: string): string[] {
  const top = directory.split(/[/\\]/)[0] ?? "";
  return top === directory || top === "" ? [directory] : [directory, top];
}
