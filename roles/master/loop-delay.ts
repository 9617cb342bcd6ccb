import { monitorEventLoopDelay } from "node:perf_hooks";
import type { LoopSign } from "@multimaster/cluster";
import { Gauge, type Registry, type Service } from "@multimaster/core";

const resolutionMs = 20;
const windowMs = 15_000;
const tickMs = 100;

/** Measures how late the event loop of this thread is, and shows others that it turns. A master's figures are those of its worst thread. */
export function createLoopDelay(metrics: Registry, loop: LoopSign): Service {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  let before = { p50: 0, p99: 0, max: 0 };
  let worst = 0;
  const timers: NodeJS.Timeout[] = [];

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
    aggregator: "max",
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
    help: "The longest that an event loop stood still since this master began",
    aggregator: "max",
    registers: [metrics],
    collect() {
      this.set(Math.max(worst, measure().max));
    },
  });

  return {
    name: "loop-delay",
    async start() {
      histogram.enable();
      loop.tick();
      timers.push(
        setInterval(() => loop.tick(), tickMs),
        setInterval(() => {
          before = measure();
          worst = Math.max(worst, before.max);
          histogram.reset();
        }, windowMs),
      );
      for (const timer of timers) timer.unref();
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      loop.rest();
      histogram.disable();
    },
  };
}
