import { errors } from "@multimaster/core";
import type { Action, ActionContext, ActionParams, Prepared } from "../model/define-resource.ts";
import { getItem } from "../read/read-items.ts";
import { type Order, orders } from "../resources/orders.ts";
import { awaitOutcome, readWait } from "./await-outcome.ts";
import { readReason } from "./read-reason.ts";

type Named = { readonly masterid: number };

/**
 * What people may want of a master. Each is written down for it and answered with the order, whose row then tells how
 * far it is: `GET orders/<id>`. The master acts on the row; the message only hurries it.
 */
export const masterActions: Record<
  "drain" | "undrain" | "stop" | "drop_role" | "keep_role" | "add_role",
  Action<Named>
> = {
  drain: (context, { masterid }, params) => drain(context, masterid, null, readDeadline(params), params),
  stop: (context, { masterid }, params) => drain(context, masterid, null, 0, params),
  undrain: (context, { masterid }, params) => undrain(context, masterid, null, params),
  drop_role: (context, { masterid }, params) =>
    drain(context, masterid, readRole(params), readDeadline(params), params),
  keep_role: (context, { masterid }, params) => undrain(context, masterid, readRole(params), params),
  add_role(context, { masterid }, params) {
    const { updates, actor, trail } = context;
    const order = {
      masterid,
      role: readRole(params),
      builderSets: readBuilderSets(params),
      reason: readReason(params),
      orderedBy: actor.name,
    };
    return place(context, params, () => updates.orders.addRole(order, trail));
  },
};

function drain(
  context: ActionContext,
  masterid: number,
  role: string | null,
  deadline: number | null,
  params: ActionParams,
): Prepared {
  const { updates, actor, trail } = context;
  const order = { masterid, role, deadline, reason: readReason(params), orderedBy: actor.name };
  return place(context, params, () => updates.orders.drain(order, trail));
}

function undrain(context: ActionContext, masterid: number, role: string | null, params: ActionParams): Prepared {
  return place(context, params, () => context.updates.orders.undrain(masterid, role, context.trail));
}

/** Answers with the order, at once; or, with `wait`, when it has ended or that time is over. */
function place({ connection }: ActionContext, params: ActionParams, order: () => Promise<Order>): Prepared {
  const wait = readWait(params);
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

/** Seconds, or null for as long as it takes. */
function readDeadline({ deadline }: ActionParams): number | null {
  if (deadline === undefined || deadline === null) return null;
  if (typeof deadline !== "number" || !(deadline >= 0) || deadline > 1e9)
    throw errors.requestInvalid("'deadline' must be a number of seconds");
  return deadline;
}

function readRole({ role }: ActionParams): string {
  if (typeof role !== "string" || role === "" || role.length > 32)
    throw errors.requestInvalid("'role' must be given as the name of a role");
  return role;
}

function readBuilderSets({ builders }: ActionParams): string[] | undefined {
  if (builders === undefined || builders === null) return undefined;
  if (!Array.isArray(builders) || !builders.every((set): set is string => typeof set === "string"))
    throw errors.requestInvalid("'builders' must be a list of names of builder sets");
  return builders;
}
