import { createHmac, randomBytes } from "node:crypto";
import { isPassword } from "@multimaster/core";

/** What is known of a password that was given with a hash. "busy": too many wait to be checked. */
export type Verdict = boolean | "busy" | Promise<boolean>;

/** Checks at the same time: the others of the process's four threads stay free for files and name look-ups. */
const atOnce = 2;
/** Further ones are refused: a worker waits five seconds, in which no more than this are checked. */
const maxPending = 100;
const maxKnown = 10_000;

/**
 * Checks passwords against hashes that are slow by design. Each answer is kept in memory, so a worker that comes again costs nothing, and
 * neither does one that tries the same wrong password for ever. Kept is a digest with a key of this process, never a password.
 */
export class PasswordChecks {
  readonly #key = randomBytes(32);
  readonly #known = new Map<string, boolean>();
  readonly #pending = new Map<string, Promise<boolean>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  readonly #verify: (password: string, hash: string) => Promise<boolean>;

  constructor(verify: (password: string, hash: string) => Promise<boolean> = isPassword) {
    this.#verify = verify;
  }

  /** Whether this is the password of the hash: from memory if it was checked before. */
  check(password: string, hash: string): Verdict {
    const digest = createHmac("sha256", this.#key).update(`${hash}\n${password}`).digest("base64");
    const known = this.#known.get(digest);
    if (known !== undefined) return known;
    const pending = this.#pending.get(digest);
    if (pending !== undefined) return pending;
    if (this.#pending.size >= maxPending) return "busy";
    const checking = this.#run(password, hash).then((right) => {
      this.#remember(digest, right);
      return right;
    });
    this.#pending.set(digest, checking);
    const forget = () => void this.#pending.delete(digest);
    checking.then(forget, forget);
    return checking;
  }

  async #run(password: string, hash: string): Promise<boolean> {
    if (this.#running >= atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await this.#verify(password, hash);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #remember(digest: string, right: boolean): void {
    this.#known.set(digest, right);
    if (this.#known.size <= maxKnown) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}
