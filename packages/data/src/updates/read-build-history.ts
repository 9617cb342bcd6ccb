import { type Clock, type Logger, loopService, type Service, WakeupLoop } from "@multimaster/core";
import type { Updates } from "./index.ts";

/** How soon a build is noted that ended on a master which does not know how. */
const pollMs = 30_000;

/** So much of the time at most is spent on reading the history, so that builds go on meanwhile. */
const share = 0.5;

/** Reads the builds that ended before the cluster kept what fails, and those of masters that do not keep it. */
export function createBuildHistoryService({
  updates,
  clock,
  log,
}: {
  readonly updates: Updates;
  readonly clock: Clock;
  readonly log: Logger;
}): Service {
  const loop = new WakeupLoop({
    name: "reading of builds that were not noted",
    clock,
    log,
    pollMs,
    async poll(signal) {
      for (;;) {
        const began = clock.now();
        if (signal.aborted || !(await updates.lines.noteHistory())) return;
        await clock.sleep((clock.now() - began) * (1 / share - 1), signal);
      }
    },
  });
  return loopService("build history", loop);
}
