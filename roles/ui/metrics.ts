import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, type FiguresText, Gauge, Histogram, type Registry } from "@multimaster/core";
import { buildrequests, type Data, equals, type WaitingBuilder, waitingBuilders } from "@multimaster/data";
import type Koa from "koa";

/** Measures one request from now to the end of its answer. */
export type MeasureRequest = (request: IncomingMessage, response: ServerResponse) => void;

/** Measures the duration of requests by kind (not by path: that would be a series per build). */
export function createRequestMeasure(metrics: Registry): MeasureRequest {
  const seconds = new Histogram({
    name: "multimaster_http_request_seconds",
    help: "Time from the request to the end of its answer.",
    labelNames: ["method", "area", "status"],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers: [metrics],
  });
  return ({ method = "", url = "" }, response) => {
    const start = performance.now();
    response.once("close", () =>
      seconds.observe(
        { method, area: areaOf(url), status: String(response.statusCode) },
        (performance.now() - start) / 1000,
      ),
    );
  };
}

export function measureRequests(measure: MeasureRequest): Koa.Middleware {
  return async (ctx, next) => {
    measure(ctx.req, ctx.res);
    await next();
  };
}

function areaOf(url: string): string {
  const path = url.split("?", 1)[0] as string;
  return (
    ["api", "auth", "change_hook", "health", "ready", "metrics"].find(
      (area) => path === `/${area}` || path.startsWith(`/${area}/`),
    ) ?? "other"
  );
}

/** Figures of so many builders are published: each is a series of its own in the monitoring system. */
const mostBuilders = 1000;

/** Measures how many build requests of the whole cluster wait; one role's masters suffice for these figures. */
export function measureQueue(metrics: Registry, data: Pick<Data, "find">, clock: Pick<Clock, "now">): void {
  new Gauge({
    name: "multimaster_buildrequests_pending",
    help: "Build requests of the cluster that no master has claimed yet; NaN while the database is unreachable.",
    registers: [metrics],
    async collect() {
      const filters = [equals("claimed", false), equals("complete", false)];
      const total = await data.find(buildrequests, { filters, limit: 1, countTo: Number.MAX_SAFE_INTEGER }).then(
        (found) => found.total,
        () => Number.NaN,
      );
      this.set(total);
    },
  });
  // Both figures of one scrape come from one read.
  let reading: Promise<readonly WaitingBuilder[]> | undefined;
  const query = { fields: ["builder", "requests", "since"], order: ["since"], limit: mostBuilders, countTo: 0 };
  const readQueues = () =>
    (reading ??= data
      .find(waitingBuilders, query)
      .then(({ rows }) => rows)
      .catch(() => [])
      .finally(() => (reading = undefined)));
  new Gauge({
    name: "multimaster_builder_queue",
    help: "Build requests of the cluster that no master has claimed yet, of each builder that has some.",
    labelNames: ["builder"],
    registers: [metrics],
    async collect() {
      const queues = await readQueues();
      this.reset();
      for (const { builder, requests } of queues) this.set({ builder }, requests);
    },
  });
  new Gauge({
    name: "multimaster_builder_queue_age_seconds",
    help: "How long the oldest of these build requests has waited.",
    labelNames: ["builder"],
    registers: [metrics],
    async collect() {
      const queues = await readQueues();
      this.reset();
      for (const { builder, since } of queues)
        this.set({ builder }, Math.max(0, Math.round(clock.now() / 1000) - since));
    },
  });
}

/** `/metrics` in Prometheus' text format. */
export function serveMetrics(figures: () => Promise<FiguresText>): Koa.Middleware {
  return async (ctx, next) => {
    if (ctx.path !== "/metrics" || (ctx.method !== "GET" && ctx.method !== "HEAD")) return next();
    const { contentType, text } = await figures();
    ctx.set("Content-Type", contentType);
    ctx.body = text;
  };
}
