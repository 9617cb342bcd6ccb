import { z } from "zod";
import { defineAction } from "./action.ts";

const enabled = z.boolean("'enabled' must be given as true or false");

/** What people may do to a scheduler. */
export const schedulerActions = {
  enable: defineAction(
    z.object({ enabled }),
    ({ updates, trail }, { schedulerid }: { readonly schedulerid: number }, { enabled }) => ({
      async perform() {
        await updates.schedulers.setEnabled(schedulerid, enabled, trail);
        return null;
      },
    }),
  ),
};
