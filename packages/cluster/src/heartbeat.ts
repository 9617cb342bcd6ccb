import { Worker } from "node:worker_threads";
import { Backoff, type Clock, type Logger, type Service, systemClock, type Timer } from "@multimaster/core";
import type { HeartbeatData, HeartbeatMessage, Renewal } from "./heartbeat-thread.ts";
import type { Lease } from "./lease.ts";
import type { LoopSign } from "./loop-sign.ts";

export interface HeartbeatOptions {
  /** `database.url`: the thread opens a connection of its own. A SQLite database must be a file. */
  url: string;
  lease: Lease;
  log: Logger;
  clock?: Clock;
  /** By which the thread sees that an event loop of this process stands still, and writes down why. */
  signs?: readonly LoopSign[];
  /** Called once, when another master has evicted this one. */
  onLost(): void;
}

export interface Heartbeat extends Service {
  /** The latest renewal that the database confirmed. */
  readonly lastRenewal: Renewal | undefined;
}

/** A thread runs compiled code, so from TypeScript source (in tests) the build beside it is taken: build first. */
const entry = new URL("heartbeat-thread.js", import.meta.url.replace("/src/heartbeat.ts", "/dist/heartbeat.js"));

/**
 * Keeps a lease by renewing it from a thread of its own, over a connection of its own: a stalled event loop or a full
 * pool never costs a master its lease. It renews until it is stopped, or until the lease is lost.
 */
export function createHeartbeat({
  url,
  lease,
  log,
  clock = systemClock,
  signs = [],
  onLost,
}: HeartbeatOptions): Heartbeat {
  const data: HeartbeatData = {
    url,
    masterid: lease.masterid,
    epoch: lease.epoch,
    leaseMs: lease.leaseMs,
    signs: signs.map((sign) => sign.memory),
  };
  const backoff = new Backoff({ initial: 100, max: Math.max(200, lease.leaseMs / 5) });
  let thread: Worker | undefined;
  let restart: Timer | undefined;
  let failingSince: string | undefined;
  let state: "new" | "running" | "lost" | "stopped" = "new";
  let stopping: Promise<void> | undefined;
  let firstRenewal: (() => void) | undefined;
  let lastRenewal: Renewal | undefined;

  function hear(message: HeartbeatMessage): void {
    if (state !== "running") return;
    switch (message.kind) {
      case "renewed":
        backoff.reset();
        lastRenewal = message;
        firstRenewal?.();
        if (failingSince) log.info({ failingSince }, "the lease is renewed again");
        failingSince = undefined;
        return;
      case "failing":
        if (!failingSince) log.warn({ why: message.why }, "lease renewal failed; retrying");
        failingSince ??= new Date(clock.now()).toISOString();
        return;
      case "lost":
        state = "lost";
        firstRenewal?.();
        log.error({ master: lease.name, epoch: lease.epoch }, "the lease is lost: this master was evicted");
        onLost();
    }
  }

  function runThread(): void {
    // Conditions and loaders of the parent (a test runner's, say) are not for the compiled thread.
    const started = new Worker(entry, {
      workerData: data,
      execArgv: [],
      name: "heartbeat",
      // It allocates little: without a limit V8 gives it as much room as the main thread.
      resourceLimits: { maxYoungGenerationSizeMb: 3 },
    });
    thread = started;
    started.on("message", hear);
    started.on("error", (error) => log.error({ err: error }, "the heartbeat thread failed"));
    started.on("exit", () => {
      if (thread === started) thread = undefined;
      if (state === "running") restart = clock.after(backoff.next(), runThread);
    });
  }

  async function end(): Promise<void> {
    state = "stopped";
    restart?.cancel();
    firstRenewal?.();
    const running = thread;
    if (!running) return;
    const exited = new Promise((resolve) => running.once("exit", resolve));
    running.postMessage("stop");
    // A thread that waits for a database that does not answer is not waited for.
    const gracePeriod = clock.after(1000, () => void running.terminate());
    await exited;
    gracePeriod.cancel();
  }

  return {
    name: "heartbeat",
    get lastRenewal() {
      return lastRenewal;
    },
    async start() {
      if (state !== "new") return;
      state = "running";
      const renewed = new Promise<void>((resolve) => (firstRenewal = resolve));
      runThread();
      await renewed;
    },
    stop: () => (stopping ??= end()),
    ready() {
      if (state === "lost") return "the lease is lost";
      return failingSince ? `the database has not renewed the lease since ${failingSince}` : true;
    },
  };
}
