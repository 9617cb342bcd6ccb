import type { UiSlice } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import type Koa from "koa";
import type { RoleContext } from "../define-role.ts";
import { describeHealth } from "../master/describe-health.ts";

/** Whether a load balancer should send requests here, and whether all that ask have been told. */
export interface Readiness {
  readonly draining: boolean;
  drain(): void;
  /** Undoes that; whoever waits for `noticed` waits no more. */
  resume(): void;
  /** What `/ready` answers to this asker (its address); each answer counts as told. */
  ask(asker: string): true | string[];
  /** Resolves when everybody who keeps asking `/ready` has been told of the drain often enough; at once when no one does. */
  noticed(signal: AbortSignal): Promise<void>;
}

/** Balancers take a server out after this many failed checks (HAProxy's default). */
const tellings = 3;
/** Who does not come back for its usual interval this many times is gone. */
const patience = 5;
const shortestMs = 250;
const longestMs = 30_000;

/** Somebody who asks `/ready`: each of two balancers, and Kubernetes beside them, has a pace of its own. */
interface Asker {
  askedAt: number;
  /** Between the last two questions; whoever has asked only once does not watch. */
  intervalMs?: number;
  told: number;
  readonly noticed: AbortController;
}

export function createReadiness({ ready, clock }: { ready(): true | string[]; clock: Clock }): Readiness {
  let draining = false;
  const askers = new Map<string, Asker>();

  /** The longest time that this asker may still need, or 0 when it does not watch. */
  function waitFor({ askedAt, intervalMs }: Asker): number {
    if (intervalMs === undefined) return 0;
    const waitMs = Math.min(Math.max(intervalMs, shortestMs) * patience, longestMs);
    return clock.now() - askedAt > waitMs ? 0 : waitMs;
  }

  /** Whoever asked once and never again must not be remembered for ever. */
  function forgetSilent(): void {
    for (const [key, asker] of askers) if (clock.now() - asker.askedAt > longestMs * patience) askers.delete(key);
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
      const asker: Asker = former ?? { askedAt: now, told: 0, noticed: new AbortController() };
      if (former) asker.intervalMs = now - former.askedAt;
      asker.askedAt = now;
      askers.set(key, asker);
      // The question after the last telling shows that the answer to it has arrived.
      if (draining && ++asker.told > tellings) asker.noticed.abort();
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

/** `/health`: the process lives, and how well; `/ready`: it can take work, or why not. */
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
