import type { UiSlice } from "@multimaster/config";
import { type Service, WakeupLoop } from "@multimaster/core";
import type { RoleContext } from "../../define-role.ts";

/** Expired ones count for nothing already; this is only for the size of the tables. */
const everyMs = 10 * 60_000;

/** Deletes sessions that have expired. */
export function createLoginCleanUp({ data, clock, log }: RoleContext<UiSlice>): Service {
  const loop = new WakeupLoop({
    name: "clean-up of sessions",
    clock,
    log,
    pollMs: everyMs,
    look: () => data.updates.logins.cleanUp(),
  });
  return { name: "clean-up of sessions", start: async () => loop.start(), stop: () => loop.stop() };
}
