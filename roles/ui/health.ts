import type { UiSlice } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import type Koa from "koa";
import type { RoleContext } from "../define-role.ts";

/** Whether a load balancer should send requests here, and whether it has been told. */
export interface Readiness {
  readonly draining: boolean;
  drain(): void;
  /** What `/ready` answers; each answer counts as told. */
  ask(): true | string[];
  /** Resolves when whoever asks `/ready` has been told of the drain often enough, or nobody has ever asked. */
  noticed(maxMs: number, signal: AbortSignal): Promise<void>;
}

/** Balancers take a server out after this many failed checks (HAProxy's default). */
const tellings = 3;
/** Who asked longer ago than this does not watch any more. */
const watchedMs = 30_000;

export function createReadiness({ ready, clock }: { ready(): true | string[]; clock: Clock }): Readiness {
  let draining = false;
  let askedAt = Number.NEGATIVE_INFINITY;
  let told = 0;
  const told_ = new AbortController();
  return {
    get draining() {
      return draining;
    },
    drain() {
      draining = true;
    },
    ask() {
      askedAt = clock.now();
      if (draining && ++told >= tellings) told_.abort();
      const state = ready();
      return draining && state === true ? ["http server: draining"] : state;
    },
    async noticed(maxMs, signal) {
      if (clock.now() - askedAt > watchedMs) return;
      await clock.sleep(maxMs, AbortSignal.any([signal, told_.signal]));
    },
  };
}

/** `/health`: the process lives, and how well; `/ready`: it can take work, or why not. */
export function serveHealth({ data, master }: RoleContext<UiSlice>, readiness: Readiness): Koa.Middleware {
  return async (ctx, next) => {
    if (ctx.method !== "GET" && ctx.method !== "HEAD") return next();
    if (ctx.path === "/health") {
      const { kind, state, degradedSince } = data.bus;
      ctx.body = { status: state === "degraded" ? "degraded" : "ok", master: master.name, bus: { kind, state, degradedSince } };
    } else if (ctx.path === "/ready") {
      const state = readiness.ask();
      ctx.status = state === true ? 200 : 503;
      ctx.body = state === true ? { ready: true } : { ready: false, reasons: state };
    } else return next();
    ctx.set("Cache-Control", "no-store");
  };
}
