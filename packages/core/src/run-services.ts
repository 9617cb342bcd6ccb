import type { Logger } from "./log.ts";
import { addWork, type FailedService, type Service, type Work } from "./service.ts";

/** Runs a list of services: the only code that starts, drains or stops any of them. */
export interface RunningServices {
  /** Starts them in order. If one fails, this stops those already started in reverse order and throws the error. */
  start(): Promise<void>;
  /** Drains in order, so that what accepts work stops before what performs it. */
  drain(signal: AbortSignal): Promise<void>;
  /** Undoes a drain: a drain in progress resolves, and all services take work again. */
  resume(): Promise<void>;
  /** The work that a drain would wait for, or still waits for. */
  left(): Work;
  /** Stops in reverse order. Every call returns the same promise; one failing stop does not skip the others. */
  stop(): Promise<void>;
  /** True if every service can take work and none has failed; otherwise the reasons, each with its service's name. */
  ready(): true | string[];
  /** Services that have failed for some time and keep retrying, housekeeping included. */
  failures(): FailedService[];
}

export interface RunOptions {
  /** A service counts as failed when every attempt has failed for this long, in milliseconds. */
  readonly failedAfterMs?: number;
  /** Whether an error is not the service's own, such as an unreachable database: it is reported elsewhere. */
  isPassing?(error: unknown): boolean;
}

/**
 *     new ──► starting ──► running ◄──► draining
 *                 │           │             │
 *                 └───────────┴─────────────┴──► stopping
 *
 * A service that fails while it runs does not change the phase of the others: it retries, and `failures` lists it.
 */
type Phase = "new" | "starting" | "running" | "draining" | "stopping";

export function runServices(
  services: readonly Service[],
  log: Logger,
  { failedAfterMs = 30_000, isPassing = () => false }: RunOptions = {},
): RunningServices {
  const started: Service[] = [];
  let phase: Phase = "new";
  /** Counts drains, so that a drain that was undone does not continue once the next has begun. */
  let drains = 0;
  let draining: Promise<void> = Promise.resolve();
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  async function startAll(): Promise<void> {
    phase = "starting";
    for (const service of services) {
      if (phase !== "starting") return;
      // Listed before it starts: a stop during the start must reach it too.
      started.push(service);
      try {
        await service.start();
      } catch (error) {
        started.pop();
        await stopAll();
        throw error;
      }
      log.debug({ service: service.name }, "service started");
    }
    if (phase === "starting") phase = "running";
  }

  async function stopAll(): Promise<void> {
    phase = "stopping";
    for (const service of started.toReversed()) {
      try {
        await service.stop();
        log.debug({ service: service.name }, "service stopped");
      } catch (error) {
        log.error({ service: service.name, err: error }, "service failed to stop");
      }
    }
    started.length = 0;
  }

  async function drainAll(signal: AbortSignal): Promise<void> {
    phase = "draining";
    const mine = ++drains;
    for (const service of services) {
      // The drain was undone meanwhile, or the services were stopped.
      if (phase !== "draining" || mine !== drains) return;
      if (!started.includes(service) || !service.drain) continue;
      try {
        await service.drain(signal);
      } catch (error) {
        log.error({ service: service.name, err: error }, "service failed to drain");
      }
    }
  }

  function failuresOf(some: readonly Service[]): FailedService[] {
    return some.flatMap((service) => {
      const { since, cause, error } = service.failure?.() ?? {};
      if (since === undefined || cause === undefined || Date.now() - since < failedAfterMs) return [];
      return error !== undefined && isPassing(error) ? [] : [{ service: service.name, since, cause }];
    });
  }

  return {
    start: () => (starting ??= startAll()),
    drain(signal) {
      // A second caller waits for the same end.
      if (phase === "running") draining = drainAll(signal);
      return draining;
    },
    async resume() {
      if (phase !== "draining") return;
      phase = "running";
      for (const service of services) {
        if (!started.includes(service)) continue;
        try {
          await service.resume?.();
        } catch (error) {
          log.error({ service: service.name, err: error }, "service failed to resume");
        }
      }
    },
    left: () => addWork(started.map((service) => service.left?.() ?? {})),
    stop: () => (stopping ??= stopAll()),
    ready() {
      if (phase !== "running") return [`the master is ${phase === "new" ? "starting" : phase}`];
      const reasons: string[] = [];
      for (const service of services) {
        const state = service.ready?.() ?? true;
        if (state !== true) reasons.push(`${service.name}: ${state}`);
      }
      for (const { service, since, cause } of failuresOf(services.filter(({ isHousekeeping }) => !isHousekeeping)))
        reasons.push(`${service}: has failed since ${new Date(since).toISOString()}: ${cause}`);
      return reasons.length === 0 ? true : reasons;
    },
    failures: () => failuresOf(started),
  };
}
