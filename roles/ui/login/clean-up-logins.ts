import type { UiSlice } from "@multimaster/config";
import { type Service, WakeupLoop } from "@multimaster/core";
import type { RoleContext } from "../../define-role.ts";

/** Expired sessions are already invalid; the clean-up only limits the size of the tables. */
const everyMs = 10 * 60_000;

/** Deletes sessions that have expired, and the oldest entries of the audit trail. */
export function createLoginCleanUp({ config, data, clock, log }: RoleContext<UiSlice>): Service {
  const { auditEntries: done } = config.own;
  const loop = new WakeupLoop({
    name: "clean-up of sessions",
    clock,
    log,
    pollMs: everyMs,
    async poll() {
      await data.updates.logins.cleanUp();
      await data.updates.audit.prune({ done, others: Math.ceil(done / 10) });
    },
  });
  return {
    name: "clean-up of sessions",
    start: async () => loop.start(),
    stop: () => loop.stop(),
    failure: () => loop.failure(),
    isHousekeeping: true,
  };
}
