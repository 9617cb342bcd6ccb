import { errors } from "@multimaster/core";
import { z } from "zod";
import type { LockHold } from "../resources/locks.ts";
import { type ActionContext, defineAction } from "./action.ts";

/** What may be done to who has a lock. */
export const lockHoldActions = {
  /** Takes the lock away; the build that has it goes on. */
  break: defineAction(z.object({}), ({ updates, trail }: ActionContext<LockHold>, { holdid }) => ({
    async perform() {
      if ((await updates.locks.break(holdid, trail)) === "unknown")
        throw errors.notFound(`There is no hold ${holdid} of a lock; it has ended.`);
      return null;
    },
  })),
};
