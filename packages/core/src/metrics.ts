import { AggregatorRegistry, Registry } from "prom-client";

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

export { Counter, Gauge, Histogram, Registry } from "prom-client";
