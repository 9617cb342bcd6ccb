import type { UiSlice } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import type Koa from "koa";
import type { RoleContext } from "../define-role.ts";
import { describeHealth } from "../master/describe-health.ts";

/** Whether a load balancer should send requests here, and whether all clients of `/ready` have seen the drain. */
export interface Readiness {
  readonly draining: boolean;
  drain(): void;
  /** Undoes a drain; `noticed` resolves. */
  resume(): void;
  /** The answer of `/ready` for a client (its address); counts how often the client has seen the drain. */
  ask(asker: string): true | string[];
  /** Resolves when every regular client of `/ready` has seen the drain often enough; immediately if there is none. */
  noticed(signal: AbortSignal): Promise<void>;
}

/** Balancers remove a server after this many failed checks (HAProxy's default). */
const requiredAnswers = 3;
/** A client that skips this many of its usual intervals is gone. */
const missedIntervals = 5;
const shortestMs = 250;
const longestMs = 30_000;

/** A client of `/ready`: two balancers and Kubernetes, for example, each have their own interval. */
interface Asker {
  askedAt: number;
  /** Time between the last two requests; a client with only one request is not a regular one. */
  intervalMs?: number;
  answers: number;
  readonly noticed: AbortController;
}

export function createReadiness({ ready, clock }: { ready(): true | string[]; clock: Clock }): Readiness {
  let draining = false;
  const askers = new Map<string, Asker>();

  /** The longest time that this client may still need, or 0 if it is not a regular one. */
  function waitFor({ askedAt, intervalMs }: Asker): number {
    if (intervalMs === undefined) return 0;
    const waitMs = Math.min(Math.max(intervalMs, shortestMs) * missedIntervals, longestMs);
    return clock.now() - askedAt > waitMs ? 0 : waitMs;
  }

  /** Removes clients that stopped asking, to bound the memory. */
  function forgetSilent(): void {
    for (const [key, asker] of askers)
      if (clock.now() - asker.askedAt > longestMs * missedIntervals) askers.delete(key);
  }

  return {
    get draining() {
      return draining;
    },
    drain() {
      draining = true;
    },
    resume() {
      draining = false;
      for (const asker of askers.values()) asker.noticed.abort();
      askers.clear();
    },
    ask(key) {
      const now = clock.now();
      const former = askers.get(key);
      if (!former) forgetSilent();
      const asker: Asker = former ?? { askedAt: now, answers: 0, noticed: new AbortController() };
      if (former) asker.intervalMs = now - former.askedAt;
      asker.askedAt = now;
      askers.set(key, asker);
      // A further request shows that the client has received the last required answer.
      if (draining && ++asker.answers > requiredAnswers) asker.noticed.abort();
      const state = ready();
      return draining && state === true ? ["http server: draining"] : state;
    },
    async noticed(signal) {
      const waits = [...askers.values()].map((asker) => {
        const waitMs = waitFor(asker);
        return waitMs > 0 && clock.sleep(waitMs, AbortSignal.any([signal, asker.noticed.signal]));
      });
      await Promise.all(waits);
    },
  };
}

/** `/health`: whether the process works, and its state; `/ready`: whether it can take work, or why not. */
export function serveHealth({ data, master }: RoleContext<UiSlice>, readiness: Readiness): Koa.Middleware {
  return async (ctx, next) => {
    if (ctx.method !== "GET" && ctx.method !== "HEAD") return next();
    if (ctx.path === "/health" || ctx.path === "/api/v2/health") {
      ctx.body = describeHealth(master.name, data);
    } else if (ctx.path === "/ready") {
      const state = readiness.ask(ctx.ip);
      ctx.status = state === true ? 200 : 503;
      ctx.body = state === true ? { ready: true } : { ready: false, reasons: state };
    } else return next();
    ctx.set({ "Cache-Control": "no-store", "X-Master": encodeURIComponent(master.name) });
  };
}
