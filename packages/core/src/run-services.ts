import type { Logger } from "./log.ts";
import type { Service } from "./service.ts";

/** A list of services under one roof: the only code that starts, drains or stops any of them. */
export interface RunningServices {
  /** Starts them in order. If one fails, those already started are stopped in reverse and the error is thrown on. */
  start(): Promise<void>;
  /** Drains in order, so that what accepts work goes quiet before what performs it. */
  drain(signal: AbortSignal): Promise<void>;
  /** Stops in reverse order. Every call returns the same promise; one failing stop does not skip the others. */
  stop(): Promise<void>;
  /** True when every service can take work; otherwise the reasons, each with its service's name. */
  ready(): true | string[];
}

export function runServices(services: readonly Service[], log: Logger): RunningServices {
  const started: Service[] = [];
  let phase: "new" | "starting" | "running" | "draining" | "stopping" = "new";
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

  return {
    start: () => (starting ??= startAll()),
    async drain(signal) {
      if (phase === "running") phase = "draining";
      for (const service of services) {
        if (!started.includes(service) || !service.drain) continue;
        try {
          await service.drain(signal);
        } catch (error) {
          log.error({ service: service.name, err: error }, "service failed to drain");
        }
      }
    },
    stop: () => (stopping ??= stopAll()),
    ready() {
      if (phase !== "running") return [`the master is ${phase === "new" ? "starting" : phase}`];
      const reasons: string[] = [];
      for (const service of services) {
        const state = service.ready?.() ?? true;
        if (state !== true) reasons.push(`${service.name}: ${state}`);
      }
      return reasons.length === 0 ? true : reasons;
    },
  };
}
