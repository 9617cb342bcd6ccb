import type { RetentionRule } from "./retention.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";

/** What retention goes by: the rules, and what stays all the same. */
interface Plan {
  readonly rules: readonly RetentionRule[];
  readonly youngest: number;
  readonly keepLastSuccess: boolean;
  /** The schedulers whose unread changes stay. */
  readonly schedulers: readonly string[];
}

/** The rules of a config, with the schedulers that may still have changes to read. */
export function retentionPlan({ retention, schedulers }: SchedulerSlice): Plan {
  const { rules = [], youngest = 0, keepLastSuccess = true } = retention ?? {};
  return {
    rules,
    youngest,
    keepLastSuccess,
    schedulers: schedulers.map(({ options }) => (options as { name: string }).name),
  };
}
