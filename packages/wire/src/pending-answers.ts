import { RequestTimedOut } from "./link-errors.ts";

interface Pending<Answer> {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout | undefined;
}

/** Requests of one connection that wait for their answers, by number. */
export class PendingAnswers<Answer> {
  readonly #pending = new Map<number, Pending<Answer>>();

  /** Resolves with the peer's answer to a request; rejects with RequestTimedOut if there is none in time (milliseconds). */
  wait(number: number, peer: string, what: string, timeoutMs: number | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              this.#pending.delete(number);
              reject(new RequestTimedOut(`${peer} did not answer "${what}" within ${timeoutMs / 1000} s`));
            }, timeoutMs);
      this.#pending.set(number, { resolve, reject, timer });
    });
  }

  /** The request to which an answer has come. Undefined: it came after the timeout, or is a second one. */
  take(number: number): Omit<Pending<Answer>, "timer"> | undefined {
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    clearTimeout(pending?.timer);
    return pending;
  }

  /** No answer comes any more. */
  end(error: Error): void {
    for (const number of [...this.#pending.keys()]) this.take(number)?.reject(error);
  }
}
