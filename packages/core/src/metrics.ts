import { createRequire } from "node:module";
import type * as prometheus from "prom-client";

// One by one: the package's index also loads OpenTelemetry and more, 80 modules that no master uses.
const require = createRequire(import.meta.url);
export const Counter: typeof prometheus.Counter = require("prom-client/lib/counter.js");
export type Counter<Label extends string = string> = prometheus.Counter<Label>;
export const Gauge: typeof prometheus.Gauge = require("prom-client/lib/gauge.js");
export type Gauge<Label extends string = string> = prometheus.Gauge<Label>;
export const Histogram: typeof prometheus.Histogram = require("prom-client/lib/histogram.js");
export type Histogram<Label extends string = string> = prometheus.Histogram<Label>;
export const Registry: typeof prometheus.Registry = require("prom-client/lib/registry.js");
export type Registry = prometheus.Registry;
const AggregatorRegistry: typeof prometheus.AggregatorRegistry = require("prom-client/lib/cluster.js");

/** One registry per master or thread, so that two masters in one test process have separate figures. */
export function createMetrics(): Registry {
  return new Registry();
}

/** The figures of a registry as data, to be sent to another thread. */
export type MetricFigures = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>;

/** Figures as a monitoring system reads them. */
export interface FiguresText {
  readonly contentType: string;
  readonly text: string;
}

export async function measure(metrics: Registry): Promise<MetricFigures> {
  return metrics.getMetricsAsJSON();
}

/** The figures of several registries as one text: equal ones are added up, or what their `aggregator` says. */
export async function mergeFigures(parts: readonly MetricFigures[]): Promise<FiguresText> {
  const merged = AggregatorRegistry.aggregate(parts as unknown as object[]);
  return { contentType: merged.contentType, text: await merged.metrics() };
}
