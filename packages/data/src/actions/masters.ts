import { errors } from "@multimaster/core";
import { z } from "zod";
import { getItem } from "../read/read-items.ts";
import { type Order, orders } from "../resources/orders.ts";
import { type ActionContext, defineAction, type Prepared } from "./action.ts";
import { awaitOutcome } from "./await-outcome.ts";
import { builderSets, deadline, dryRun, reason, role, wait } from "./parameters.ts";

export type Named = { readonly masterid: number };
type Context = ActionContext<Named>;

/**
 * What people may ask of a master. Each is written down for it and answered with the order, whose row then shows how
 * far it is: `GET orders/<id>`. The master acts on the row; the message only wakes it.
 */
export const masterActions = {
  drain: defineAction(z.object({ deadline, reason, wait }), (context: Context, { masterid }: Named, drain) =>
    drainMaster(context, { masterid, role: null, ...drain }),
  ),
  stop: defineAction(z.object({ reason, wait }), (context: Context, { masterid }: Named, stop) =>
    drainMaster(context, { masterid, role: null, deadline: 0, ...stop }),
  ),
  undrain: defineAction(z.object({ wait }), (context: Context, { masterid }: Named, { wait }) =>
    undrain(context, masterid, null, wait),
  ),
  drop_role: defineAction(z.object({ role, deadline, reason, wait }), (context: Context, { masterid }: Named, drop) =>
    drainMaster(context, { masterid, ...drop }),
  ),
  keep_role: defineAction(z.object({ role, wait }), (context: Context, { masterid }: Named, { role, wait }) =>
    undrain(context, masterid, role, wait),
  ),
  reconfig: defineAction(
    z.object({ dry_run: dryRun, reason, wait }),
    (context: Context, { masterid }: Named, { dry_run, reason, wait }) => {
      const { updates, actor, trail } = context;
      const order = { masterid, dryRun: dry_run, reason, orderedBy: actor.name };
      const placed = place(context, wait, () => updates.orders.reconfig(order, trail));
      return {
        async perform() {
          const answer = await placed.perform();
          // Every problem of the config in one answer, as of a request that is wrong.
          if (answer.state === "failed")
            throw errors.notReconfigured(answer.detail ?? "The config was not taken over.");
          return answer;
        },
      };
    },
  ),
  add_role: defineAction(
    z.object({ role, builders: builderSets, reason, wait }),
    (context: Context, { masterid }: Named, { role, builders: builderSets, reason, wait }) => {
      const { updates, actor, trail } = context;
      const order = { masterid, role, builderSets, reason, orderedBy: actor.name };
      return place(context, wait, () => updates.orders.addRole(order, trail));
    },
  ),
};

interface Drain {
  masterid: number;
  role: string | null;
  deadline: number | null;
  reason: string;
  wait: number | undefined;
}

function drainMaster(context: Context, { wait, ...drain }: Drain): Prepared<Order> {
  const { updates, actor, trail } = context;
  return place(context, wait, () => updates.orders.drain({ ...drain, orderedBy: actor.name }, trail));
}

function undrain(context: Context, masterid: number, role: string | null, wait: number | undefined): Prepared<Order> {
  return place(context, wait, () => context.updates.orders.undrain(masterid, role, context.trail));
}

/** Answers with the order immediately; or, with `wait`, when it has ended or that time is over. */
function place({ connection }: Context, wait: number | undefined, order: () => Promise<Order>): Prepared<Order> {
  return {
    async perform() {
      const placed = await order();
      const later = await awaitOutcome(wait, async () => {
        const now = (await getItem(orders, connection, placed.orderid)) as Order;
        return { done: now.ended_at !== null, answer: { ...now } };
      });
      return later ?? { ...placed };
    },
  };
}
