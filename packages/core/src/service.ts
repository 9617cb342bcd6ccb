/**
 * Something with a life of its own: it is started once, may be drained, and is stopped once.
 *
 * - `start` resolves when the service does its work; if it rejects, the service has cleaned up after itself.
 * - `drain` stops taking new work and resolves when the work in hand is done. `signal` aborts when the deadline has
 *   passed or a second signal came: then running work is given back, not finished.
 * - `stop` frees everything it holds. It may be called twice, and before `start` has resolved.
 * - `ready` says whether the service can take work; a string is the reason why it cannot.
 */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  drain?(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  ready?(): true | string;
}
