import { errors } from "@multimaster/core";
import { z } from "zod";
import type { WorkerInstance } from "../resources/latent-workers.ts";
import { type ActionContext, defineAction } from "./action.ts";

/** What may be done to an instance of a latent worker. */
export const workerInstanceActions = {
  /** Ends it now; what it builds is built again elsewhere. The engine finds the row when it next polls. */
  destroy: defineAction(z.object({}), ({ updates, trail }: ActionContext<WorkerInstance>, { instanceid }) => ({
    async perform() {
      if (!(await updates.instances.destroy(instanceid, trail)))
        throw errors.notFound(`There is no instance ${instanceid} of a latent worker; it is gone.`);
      return null;
    },
  })),
};
