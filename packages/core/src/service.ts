/**
 * A component with a lifecycle: it is started once, may be drained, and is stopped once.
 *
 * - `start` resolves when the service does its work; if it rejects, the service has cleaned up after itself.
 * - `drain` stops taking new work and resolves when the current work is done. `signal` aborts when the deadline has
 *   passed or a second signal came: then running work is released, not finished; the abort reason says why.
 * - `resume` undoes a drain: a drain in progress resolves, and the service takes new work again.
 * - `left` returns what a drain still waits for, as figures by name.
 * - `stop` releases everything the service holds. It may be called twice, and before `start` has resolved.
 * - `ready` returns whether the service can take work; a string is the reason why it cannot.
 * - `failure` reports that its background work fails repeatedly, though it keeps retrying.
 */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  drain?(signal: AbortSignal): Promise<void>;
  resume?(): Promise<void>;
  left?(): Work;
  stop(): Promise<void>;
  ready?(): true | string;
  failure?(): Failure | undefined;
  /** The service only tidies up: the master can take work although this service fails. */
  readonly isHousekeeping?: boolean;
}

/** Why a service fails. */
export interface Failure {
  /** The time since when every attempt has failed, in milliseconds since 1970. */
  readonly since: number;
  /** The message of the last error. */
  readonly cause: string;
  readonly error?: unknown;
}

/** A service that has failed for some time. */
export interface FailedService extends Omit<Failure, "error"> {
  readonly service: string;
}

/** Work in progress, by kind. A service omits the kinds it never has. */
export interface Work {
  readonly builds?: number;
  readonly workers?: number;
  /** Schedulers and change sources that run here. */
  readonly singletons?: number;
}

/** The sum of the work of several services. */
export function addWork(parts: readonly Work[]): Work {
  const sum: Record<string, number> = {};
  for (const part of parts) {
    for (const [name, count] of Object.entries(part)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum;
}
