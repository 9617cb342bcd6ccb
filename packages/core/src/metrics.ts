import { createRequire } from "node:module";
import type * as prometheus from "prom-client";

// One by one: the package's index also loads OpenTelemetry and more, 80 modules that no master uses.
const require = createRequire(import.meta.url);
export const Counter: typeof prometheus.Counter = require("prom-client/lib/counter.js");
export type Counter<Label extends string = string> = prometheus.Counter<Label>;
export const Gauge: typeof prometheus.Gauge = require("prom-client/lib/gauge.js");
export type Gauge<Label extends string = string> = prometheus.Gauge<Label>;
export const Histogram: typeof prometheus.Histogram = require("prom-client/lib/histogram.js");
export const Registry: typeof prometheus.Registry = require("prom-client/lib/registry.js");
export type Registry = prometheus.Registry;

/** One registry per master, so that two masters in one test process have separate figures. */
export function createMetrics(): Registry {
  return new Registry();
}
