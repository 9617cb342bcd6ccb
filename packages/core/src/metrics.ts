import { Registry } from "prom-client";

/** One registry per master, so that two masters in one test process have separate figures. */
export function createMetrics(): Registry {
  return new Registry();
}

export { Counter, Gauge, Histogram, Registry } from "prom-client";
