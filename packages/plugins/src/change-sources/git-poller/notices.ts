import type { OptionFunctions } from "../../option-functions.ts";

/** What a poller keeps from one poll to the next. */
export interface PollerMemory {
  readonly notices: Notices;
  readonly functions: OptionFunctions;
}

/** Messages about lasting states: each is logged when the state begins or changes, not at every poll. */
export class Notices {
  #said = new Map<string, string>();
  #warn: (text: string) => void;

  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  /** `reason` may be worded differently each time, as by git: it is logged with the message, but does not make it new. */
  setIf(holds: boolean, kind: string, text: string, reason?: string): void {
    if (!holds) this.#said.delete(kind);
    else if (this.#said.get(kind) !== text) {
      this.#said.set(kind, text);
      this.#warn(reason === undefined ? text : `${text} (${reason})`);
    }
  }

  /** The current states. */
  get current(): readonly string[] {
    return [...this.#said.values()];
  }
}
