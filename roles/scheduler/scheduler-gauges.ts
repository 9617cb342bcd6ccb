import { Counter, Gauge, type Registry } from "@multimaster/core";
import type { PublishedScheduler } from "@multimaster/data";

/** Metrics of the schedulers that run on this master. */
export interface SchedulerGauges {
  showNextRun(scheduler: string, published: PublishedScheduler): void;
  /** A slot of the clock was decided, and so many before it were passed over. */
  countSlot(scheduler: string, outcome: string, passed: number): void;
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
  const slots =
    (registry.getSingleMetric("multimaster_scheduler_slots_total") as Counter | undefined) ??
    new Counter({
      name: "multimaster_scheduler_slots_total",
      help: "Times of timed schedulers that this master decided, by what became of them: built, unchanged, failed, or missed while no master ran the scheduler.",
      labelNames: ["scheduler", "outcome"],
      registers: [registry],
    });
  return {
    countSlot(scheduler, outcome, passed) {
      slots.inc({ scheduler, outcome });
      if (passed > 0) slots.inc({ scheduler, outcome: "missed" }, passed);
    },
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
