/**
 * A component with a lifecycle: it is started once, may be drained, and is stopped once.
 *
 * - `start` resolves when the service does its work; if it rejects, the service has cleaned up after itself.
 * - `drain` stops taking new work and resolves when the work in hand is done. `signal` aborts when the deadline has
 *   passed or a second signal came: then running work is released, not finished; its reason is the sentence why.
 * - `resume` undoes a drain: a drain in progress resolves, and new work is taken on again.
 * - `left` says what a drain still waits for, as figures by name.
 * - `stop` frees everything it holds. It may be called twice, and before `start` has resolved.
 * - `ready` says whether the service can take work; a string is the reason why it cannot. A group of services lists reasons.
 * - `failure` reports that what it does in the background fails again and again, though it goes on trying; `failures` of a
 *   group lists those of its services.
 */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  drain?(signal: AbortSignal): Promise<void>;
  resume?(): Promise<void>;
  left?(): Work;
  stop(): Promise<void>;
  ready?(audience?: Audience): true | string | readonly string[];
  failure?(): Failure | undefined;
  failures?(): readonly FailedService[];
  /** It only tidies up: the master can take work although it fails. */
  readonly isHousekeeping?: boolean;
}

/** Who gets the reasons why something cannot take work. Strangers do not get the texts of errors: they may name internals. */
export type Audience = "operators" | "strangers";

/** What a service fails with. */
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
