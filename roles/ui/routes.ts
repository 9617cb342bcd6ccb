import type Koa from "koa";
import type { Access } from "./access/access.ts";

/**
 * Who may use a route. Every route declares it, and `mountRoutes` is the only way to add one, so that no route is open by
 * mistake.
 */
export type Guard =
  /** The route shows only data of the cluster that everybody may see. */
  | { readonly kind: "everybody"; readonly because: string }
  /** Visitors who may read each of these nouns; checked before the route is called. */
  | { readonly kind: "readers"; readonly of: readonly string[] }
  /** The route checks rights by itself, because they depend on more than its path. */
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
  "artifacts",
  "pictures",
  "hooks",
  "badges",
  "cc.xml",
  "buildbot's pages",
  "pages",
] as const;

export type RouteName = (typeof routeNames)[number];

export interface Route {
  readonly name: RouteName;
  /** The paths of the route. */
  readonly path: RegExp;
  readonly guard: Guard;
  readonly answer: Koa.Middleware;
}

/** Mounts these routes, each behind its guard. A route that passes a request on leaves it to the next. */
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
