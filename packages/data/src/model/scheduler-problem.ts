/** The class name under which schedulers of any kind store their problem. */
export const schedulerProblemClass = "Scheduler";

/** Where a scheduler stores what keeps it from building. */
export function schedulerProblemKey(scheduler: string): { object: string; className: string; name: string } {
  return { object: scheduler, className: schedulerProblemClass, name: "problem" };
}
