import { errors, workerName } from "@multimaster/core";
import { z } from "zod";
import { readAccountOptions, sentAccountOptions } from "../model/worker-account-options.ts";
import type { WorkerAccount } from "../resources/worker-accounts.ts";
import { type ActionContext, defineAction } from "./action.ts";

const newAccount = z.strictObject({
  name: workerName,
  max_builds: z.int().positive().max(1000).default(1),
  properties: z.record(z.string().max(256), z.json()).default({}),
  ...sentAccountOptions,
});

/** Properties become rows of every build. */
const maxPropertiesText = 64 * 1024;

/** `POST /api/v2/worker_accounts`, method `add`: the answer is the only place where the secret is shown. */
export const addWorkerAccountAction = defineAction(
  newAccount,
  (
    { updates, trail, workerSealingKey }: ActionContext<null>,
    _: null,
    { name, max_builds: maxBuilds, properties, ...sent },
  ) => {
    if (JSON.stringify(properties).length > maxPropertiesText)
      throw errors.requestInvalid("properties: are too long for the properties of each build");
    return {
      async perform() {
        const sealingKey = await workerSealingKey();
        const account = { name, maxBuilds, properties, options: readAccountOptions(sent), sealingKey };
        const { accountid, secret } = await updates.workerAccounts.add(account, trail);
        return { accountid, secret };
      },
    };
  },
);

/** What may be done to an account. */
export const workerAccountActions = {
  revoke: defineAction(z.object({}), ({ updates, trail }: ActionContext<WorkerAccount>, { name, revoked_at }) => ({
    async perform() {
      if (revoked_at !== null) throw errors.workerAccountNotThere(name);
      await updates.workerAccounts.revoke(name, trail);
      return null;
    },
  })),
};
