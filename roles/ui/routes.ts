import type Koa from "koa";
import type { Access } from "./access/access.ts";

/**
 * Who may ask a route. Every route says it, and there is no other way to add one (`mountRoutes`), so that no door is left open
 * because no one thought of it.
 */
export type Guard =
  /** It shows nothing of the cluster that is not for everybody. */
  | { readonly kind: "everybody"; readonly because: string }
  /** Whoever may read each of these nouns; asked before the route is. */
  | { readonly kind: "readers"; readonly of: readonly string[] }
  /** The route asks by itself, since it depends on more than its path. */
  | { readonly kind: "itself"; readonly asks: string };

export const routeNames = [
  "probes",
  "health",
  "metrics",
  "login",
  "whoami",
  "description",
  "api",
  "events",
  "hooks",
  "badges",
  "cc.xml",
  "buildbot's pages",
  "pages",
] as const;

export type RouteName = (typeof routeNames)[number];

export interface Route {
  readonly name: RouteName;
  /** Which paths are the route's. */
  readonly path: RegExp;
  readonly guard: Guard;
  readonly answer: Koa.Middleware;
}

/** Lets the app answer these routes, each after its guard was asked. A route that passes a request on leaves it to the next. */
export function mountRoutes(app: Koa, access: Pick<Access, "identify" | "checkRead">, routes: readonly Route[]): void {
  for (const { path, guard, answer } of routes) {
    app.use(async (ctx, next) => {
      if (!path.test(ctx.path)) return next();
      if (guard.kind === "readers") {
        const visitor = await access.identify(ctx.req);
        for (const noun of guard.of) access.checkRead(visitor, [noun]);
      }
      return answer(ctx, next);
    });
  }
}
