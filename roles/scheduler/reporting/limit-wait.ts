import { type Clock, onAbort, type Timer } from "@multimaster/core";
import { ReportFailure } from "@multimaster/plugins";

/** Longest time of an attempt: its target's own limits are shorter, but functions of a config have none. */
const longestMs = 600_000;
/** How long an attempt may go on once its reporter must stop. */
const leaveMs = 5000;

/** Waits for what a reporter does, but not for ever: neither its other reports nor the end of the master wait for it. */
export function limitWait<T>(work: Promise<T>, clock: Clock, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const timers: Timer[] = [];
    const end = () => {
      forget();
      for (const timer of timers) timer.cancel();
    };
    const endAfter = (ms: number, problem: string) => {
      const fail = () => {
        end();
        reject(new ReportFailure(problem, { of: "report", unsure: true }));
      };
      timers.push(clock.after(ms, fail));
    };
    endAfter(longestMs, `the attempt has not ended within ${longestMs / 1000} s`);
    const forget = onAbort(signal, () => endAfter(leaveMs, "the attempt was not waited for: the reporter stops"));
    work.then(resolve, reject).finally(end);
  });
}
