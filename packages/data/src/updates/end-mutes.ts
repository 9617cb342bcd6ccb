import { type Clock, type Logger, loopService, type Service, WakeupLoop } from "@multimaster/core";
import type { Updates } from "./index.ts";

/** A mute ends so much later than its time at most. */
const pollMs = 15_000;

/** Ends mutes whose time is over, so that pages and reporters show the failure again. */
export function createMuteService({
  updates,
  clock,
  log,
}: {
  readonly updates: Updates;
  readonly clock: Clock;
  readonly log: Logger;
}): Service {
  const loop = new WakeupLoop({ name: "ending of mutes", clock, log, pollMs, poll: () => updates.notes.endOld() });
  return loopService("mutes", loop);
}
