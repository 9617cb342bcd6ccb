import type { UiSlice } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import type Koa from "koa";
import type { RoleContext } from "../define-role.ts";

/** Whether a load balancer should send requests here, and whether it has been told. */
export interface Readiness {
  readonly draining: boolean;
  drain(): void;
  /** Undoes that; whoever waits for `noticed` waits no more. */
  resume(): void;
  /** What `/ready` answers; each answer counts as told. */
  ask(): true | string[];
  /** Resolves when whoever keeps asking `/ready` has been told of the drain often enough; at once when nobody does. */
  noticed(signal: AbortSignal): Promise<void>;
}

/** Balancers take a server out after this many failed checks (HAProxy's default). */
const tellings = 3;
/** A balancer that does not come back for its usual interval this many times is gone. */
const patience = 4;
const shortestMs = 250;
const longestMs = 30_000;

export function createReadiness({ ready, clock }: { ready(): true | string[]; clock: Clock }): Readiness {
  let draining = false;
  let askedAt: number | undefined;
  /** Between the last two questions; whoever has asked only once does not watch. */
  let intervalMs: number | undefined;
  let told = 0;
  let noticed = new AbortController();
  return {
    get draining() {
      return draining;
    },
    drain() {
      draining = true;
    },
    resume() {
      draining = false;
      told = 0;
      noticed.abort();
      noticed = new AbortController();
    },
    ask() {
      const now = clock.now();
      if (askedAt !== undefined) intervalMs = now - askedAt;
      askedAt = now;
      if (draining && ++told >= tellings) noticed.abort();
      const state = ready();
      return draining && state === true ? ["http server: draining"] : state;
    },
    async noticed(signal) {
      if (askedAt === undefined || intervalMs === undefined) return;
      const waitMs = Math.min(Math.max(intervalMs, shortestMs) * patience, longestMs);
      if (clock.now() - askedAt > waitMs) return;
      await clock.sleep(waitMs, AbortSignal.any([signal, noticed.signal]));
    },
  };
}

/** `/health`: the process lives, and how well; `/ready`: it can take work, or why not. */
export function serveHealth({ data, master }: RoleContext<UiSlice>, readiness: Readiness): Koa.Middleware {
  return async (ctx, next) => {
    if (ctx.method !== "GET" && ctx.method !== "HEAD") return next();
    if (ctx.path === "/health") {
      const { kind, state, degradedSince } = data.bus;
      ctx.body = {
        status: state === "degraded" ? "degraded" : "ok",
        master: master.name,
        bus: { kind, state, degradedSince },
      };
    } else if (ctx.path === "/ready") {
      const state = readiness.ask();
      ctx.status = state === true ? 200 : 503;
      ctx.body = state === true ? { ready: true } : { ready: false, reasons: state };
    } else return next();
    ctx.set("Cache-Control", "no-store");
  };
}
