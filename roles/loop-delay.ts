import { monitorEventLoopDelay } from "node:perf_hooks";
import { Gauge, type Registry, type Service } from "@multimaster/core";

const resolutionMs = 20;
const windowMs = 15_000;

/** Measures how late this master's event loop is, whatever its roles: figures of `/metrics`. */
export function createLoopDelay(metrics: Registry): Service {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  let before = { p50: 0, p99: 0, max: 0 };
  let worst = 0;
  let timer: NodeJS.Timeout | undefined;

  /** The timer's own interval is part of what is measured. */
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000);
  const measure = () =>
    histogram.count === 0
      ? { p50: 0, p99: 0, max: 0 }
      : { p50: seconds(histogram.percentile(50)), p99: seconds(histogram.percentile(99)), max: seconds(histogram.max) };

  new Gauge({
    name: "multimaster_event_loop_delay_seconds",
    help: `How late the event loop was in the last ${windowMs / 1000} to ${(2 * windowMs) / 1000} seconds`,
    labelNames: ["quantile"],
    registers: [metrics],
    collect() {
      const now = measure();
      this.set({ quantile: "0.5" }, Math.max(before.p50, now.p50));
      this.set({ quantile: "0.99" }, Math.max(before.p99, now.p99));
      this.set({ quantile: "1" }, Math.max(before.max, now.max));
    },
  });
  new Gauge({
    name: "multimaster_event_loop_delay_max_seconds",
    help: "The longest that the event loop stood still since this master began",
    registers: [metrics],
    collect() {
      this.set(Math.max(worst, measure().max));
    },
  });

  return {
    name: "loop-delay",
    async start() {
      histogram.enable();
      timer = setInterval(() => {
        before = measure();
        worst = Math.max(worst, before.max);
        histogram.reset();
      }, windowMs);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      histogram.disable();
    },
  };
}
