import { Gauge, type Registry } from "@multimaster/core";
import type { PublishedScheduler } from "@multimaster/data";

/** Metrics of the schedulers that run on this master. */
export interface SchedulerGauges {
  showNextRun(scheduler: string, published: PublishedScheduler): void;
  showProblem(scheduler: string, problem: string | null): void;
  /** It runs here no more. */
  forget(scheduler: string): void;
}

/** Registers the metrics, or finds them where another term of this master has registered them. */
export function createSchedulerGauges(registry: Registry): SchedulerGauges {
  const gauge = (name: string, help: string) =>
    (registry.getSingleMetric(name) as Gauge | undefined) ??
    new Gauge({ name, help, labelNames: ["scheduler"], registers: [registry] });
  const next = gauge(
    "multimaster_scheduler_next_run_seconds",
    "When a timed scheduler of this master runs next, in seconds since 1970.",
  );
  const failing = gauge(
    "multimaster_scheduler_failing",
    "1 while something keeps a scheduler of this master from building; the log says what.",
  );
  return {
    showNextRun(scheduler, { nextRun }) {
      if (nextRun == null) next.remove({ scheduler });
      else next.set({ scheduler }, nextRun);
    },
    showProblem: (scheduler, problem) => failing.set({ scheduler }, problem === null ? 0 : 1),
    forget(scheduler) {
      next.remove({ scheduler });
      failing.remove({ scheduler });
    },
  };
}
