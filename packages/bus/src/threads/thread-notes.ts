import type { Bus } from "../contract.ts";

type Listener = (note: string) => void;

/** Short texts for all threads of a process that use one bus; they arrive ahead of its messages, and go nowhere else. */
export interface ThreadNotes {
  /** Listeners of this thread are called at once. */
  send(note: string): void;
  /** Returns how to end it. */
  listen(listener: Listener): () => void;
}

/** The end of the notes in one thread, connected to the ends in others. */
export class NoteBoard implements ThreadNotes {
  #listeners = new Set<Listener>();
  #threads = new Set<Listener>();

  /** `from`: the thread that it came from, which has it already. */
  send(note: string, from?: Listener): void {
    for (const listener of this.#listeners) listener(note);
    for (const forward of this.#threads) if (forward !== from) forward(note);
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Another thread, to which `forward` takes notes. Returns how to end it. */
  connect(forward: Listener): () => void {
    this.#threads.add(forward);
    return () => void this.#threads.delete(forward);
  }
}

const boards = new WeakMap<Bus, NoteBoard>();

/** The notes of this bus in this thread. */
export function notesOf(bus: Bus): NoteBoard {
  const board = boards.get(bus) ?? new NoteBoard();
  boards.set(bus, board);
  return board;
}
