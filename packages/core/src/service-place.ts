import type { Audience, FailedService, Failure, Service, Work } from "./service.ts";

/** A place in a group of services: another service can take it over from the one that is there, which is stopped first. */
export class ServicePlace<S extends Service = Service> implements Service {
  readonly name: string;
  #current: S;
  #phase: "new" | "running" | "stopped" = "new";
  #replacing: Promise<void> = Promise.resolve();

  constructor(first: S) {
    this.name = first.name;
    this.#current = first;
  }

  /** The service that is there now. */
  get current(): S {
    return this.#current;
  }

  async start(): Promise<void> {
    this.#phase = "running";
    await this.#current.start();
  }

  /** Stops what is there and starts what `make` returns, unless the place itself has been stopped meanwhile. */
  replace(make: () => S): Promise<void> {
    const replaced = this.#replacing.then(async () => {
      if (this.#phase === "stopped") return;
      await this.#current.stop();
      this.#current = make();
      if (this.#phase === "running") await this.#current.start();
    });
    this.#replacing = replaced.catch(() => undefined);
    return replaced;
  }

  async drain(signal: AbortSignal): Promise<void> {
    await this.#current.drain?.(signal);
  }

  async resume(): Promise<void> {
    await this.#current.resume?.();
  }

  async stop(): Promise<void> {
    this.#phase = "stopped";
    await this.#replacing;
    await this.#current.stop();
  }

  left(): Work {
    return this.#current.left?.() ?? {};
  }

  ready(audience?: Audience): true | string | readonly string[] {
    return this.#current.ready?.(audience) ?? true;
  }

  failure(): Failure | undefined {
    return this.#current.failure?.();
  }

  failures(): readonly FailedService[] {
    return this.#current.failures?.() ?? [];
  }
}
