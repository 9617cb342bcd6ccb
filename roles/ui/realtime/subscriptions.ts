import type { LiveEvent, LiveEvents, Watch } from "@multimaster/data";
import type { Listener, ListeningRights } from "./rights.ts";

/** A page of a build with hundreds of steps listens to each; nobody needs more than this. */
const maxPaths = 5_000;
const maxPathLength = 1_000;

/** Why somebody may not listen to a path. */
export type Refusal = "forbidden" | "too many" | "too long";

/** The paths one client listens to. */
export class Subscriptions {
  #watches = new Map<string, Watch>();
  #live: LiveEvents;
  #rights: ListeningRights;
  #listener: Listener;
  #deliver: (event: LiveEvent) => void;

  constructor(live: LiveEvents, rights: ListeningRights, listener: Listener, deliver: (event: LiveEvent) => void) {
    this.#live = live;
    this.#rights = rights;
    this.#listener = listener;
    this.#deliver = deliver;
  }

  /** Why this path is refused; undefined: it may be started. */
  check(path: string): Refusal | undefined {
    if (path.length > maxPathLength) return "too long";
    if (!this.#watches.has(path) && this.#watches.size >= maxPaths) return "too many";
    return this.#rights.mayRead(this.#listener, path.split("/")) ? undefined : "forbidden";
  }

  /** Resolves when nothing is missed any more: rows that are read now are not older than the first event. */
  async start(path: string): Promise<void> {
    let watch = this.#watches.get(path);
    if (!watch) {
      const pattern = path.split("/").map((part) => (part === "*" ? null : part));
      watch = this.#live.watch(pattern, (event) => {
        if (this.#rights.mayRead(this.#listener, event.key, event.payload)) this.#deliver(event);
      });
      this.#watches.set(path, watch);
    }
    await watch.ready;
  }

  /** False: it was not listened to. */
  stop(path: string): boolean {
    this.#watches.get(path)?.end();
    return this.#watches.delete(path);
  }

  end(): void {
    for (const watch of this.#watches.values()) watch.end();
    this.#watches.clear();
  }
}

/** Writes an event once, however many clients it is for. */
export function writeOnce(write: (event: LiveEvent) => string): (event: LiveEvent) => string {
  const written = new WeakMap<LiveEvent, string>();
  return (event) => {
    let text = written.get(event);
    if (text === undefined) written.set(event, (text = write(event)));
    return text;
  };
}
