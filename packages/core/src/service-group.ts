import type { Logger } from "./log.ts";
import { type Audience, addWork, type FailedService, type Service, type Work } from "./service.ts";

export interface RunOptions {
  /** Every try of a service has failed for so long, in milliseconds: it counts as failed. */
  readonly failedAfterMs?: number;
  /**
   * Whether an error is not the service's own, such as that of a database that is away: it is reported elsewhere. Every try
   * has failed since `since`, in milliseconds since 1970.
   */
  isPassing?(error: unknown, since: number): boolean;
}

/**
 *     new ──► starting ──► running ◄──► draining
 *                 │           │             │
 *                 └───────────┴─────────────┴──► stopping ──► stopped
 *
 * A service that fails while it runs does not change the phase of its group: it goes on trying, and `failures` lists it.
 */
type Phase = "new" | "starting" | "running" | "draining" | "stopping" | "stopped";

/**
 * Services in their order of start, and itself one: groups of groups make the tree of a master. The only code that
 * starts, drains or stops a service.
 */
export class ServiceGroup implements Service {
  readonly name: string;
  #log: Logger;
  #run: Required<RunOptions>;
  #services: readonly Service[];
  #started = new Set<Service>();
  #phase: Phase = "new";
  /** Counts drains, so that one that was undone does not go on when the next has begun. */
  #drains = 0;
  #draining: Promise<void> = Promise.resolve();
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(name: string, services: readonly Service[], log: Logger, run: RunOptions = {}) {
    this.name = name;
    this.#services = services;
    this.#log = log;
    this.#run = { failedAfterMs: 30_000, isPassing: () => false, ...run };
  }

  /** Starts them in order. If one fails, those already started are stopped in reverse and the error is thrown on. */
  start(): Promise<void> {
    this.#starting ??= this.#startAll();
    return this.#starting;
  }

  /** Drains in order, so that what accepts work goes quiet before what performs it. A second call waits for the same end. */
  drain(signal: AbortSignal): Promise<void> {
    if (this.#phase === "running") this.#draining = this.#drainAll(signal);
    return this.#draining;
  }

  /** Undoes a drain: one in progress resolves, and all take work again. */
  async resume(): Promise<void> {
    if (this.#phase !== "draining") return;
    this.#phase = "running";
    for (const service of this.#services) {
      if (this.#started.has(service)) await this.#try(service, "resume", () => service.resume?.());
    }
  }

  /** Stops in reverse order. Every call returns the same promise; one failing stop does not skip the others. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  /** Adds a service at a place of the order (default: the last). A group that has been started starts it. */
  async add(service: Service, place = this.#services.length): Promise<void> {
    if (this.#stopping) throw new Error(`${service.name} cannot be started: the master is ${this.#phase}`);
    this.#services = this.#services.toSpliced(place, 0, service);
    if (this.#phase === "new") return;
    try {
      await this.#startOne(service);
    } catch (error) {
      this.#forget(service);
      throw error;
    }
  }

  /** Stops a service and forgets it. */
  async remove(service: Service): Promise<void> {
    await service.stop();
    this.#forget(service);
  }

  /** What a drain would wait for, or still waits for. */
  left(): Work {
    return addWork(this.#running.map((service) => service.left?.() ?? {}));
  }

  /** True when every service can take work and none has failed; otherwise the reasons, each with its service's name. */
  ready(audience: Audience = "operators"): true | string[] {
    if (this.#phase !== "running") return [`the master is ${this.#phase === "new" ? "starting" : this.#phase}`];
    const reasons = this.#services.flatMap((service) => {
      const state = service.ready?.(audience) ?? true;
      if (state === true) return [];
      return typeof state === "string" ? [`${service.name}: ${state}`] : state;
    });
    const working = this.#services.filter(({ isHousekeeping }) => !isHousekeeping);
    for (const { service, since, cause } of working.flatMap((service) => this.#failureOf(service)))
      reasons.push(
        `${service}: has failed since ${new Date(since).toISOString()}${audience === "operators" ? `: ${cause}` : ""}`,
      );
    return reasons.length === 0 ? true : reasons;
  }

  /** Services that have failed for some time and go on trying, housekeeping included. */
  failures(): FailedService[] {
    return this.#running.flatMap((service) => [...this.#failureOf(service), ...(service.failures?.() ?? [])]);
  }

  protected get isDraining(): boolean {
    return this.#phase === "draining";
  }

  get #running(): readonly Service[] {
    return this.#services.filter((service) => this.#started.has(service));
  }

  async #startAll(): Promise<void> {
    if (this.#phase !== "new") return;
    this.#phase = "starting";
    for (const service of this.#services) {
      if (this.#phase !== "starting") return;
      try {
        await this.#startOne(service);
      } catch (error) {
        await this.stop();
        throw error;
      }
    }
    if (this.#phase === "starting") this.#phase = "running";
  }

  async #startOne(service: Service): Promise<void> {
    // Listed before it starts: a stop during the start must reach it too.
    this.#started.add(service);
    try {
      await service.start();
    } catch (error) {
      this.#started.delete(service);
      throw error;
    }
    this.#log.debug({ service: service.name }, "service started");
  }

  async #drainAll(signal: AbortSignal): Promise<void> {
    this.#phase = "draining";
    this.#drains += 1;
    const mine = this.#drains;
    for (const service of this.#services) {
      // Undone meanwhile, or stopped.
      if (this.#phase !== "draining" || mine !== this.#drains) return;
      if (this.#started.has(service)) await this.#try(service, "drain", () => service.drain?.(signal));
    }
  }

  async #stopAll(): Promise<void> {
    this.#phase = "stopping";
    for (const service of this.#running.toReversed()) {
      await this.#try(service, "stop", () => service.stop());
      this.#log.debug({ service: service.name }, "service stopped");
    }
    this.#started.clear();
    this.#phase = "stopped";
  }

  async #try(service: Service, what: string, act: () => Promise<void> | undefined): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#log.error({ service: service.name, err: error }, `service failed to ${what}`);
    }
  }

  #forget(service: Service): void {
    this.#started.delete(service);
    this.#services = this.#services.filter((other) => other !== service);
  }

  #failureOf(service: Service): FailedService[] {
    const { failedAfterMs, isPassing } = this.#run;
    const { since, cause, error } = service.failure?.() ?? {};
    if (since === undefined || cause === undefined || Date.now() - since < failedAfterMs) return [];
    return error !== undefined && isPassing(error, since) ? [] : [{ service: service.name, since, cause }];
  }
}
