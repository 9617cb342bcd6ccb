import {
  endOrder,
  judgeWork,
  type MasterWork,
  noteProgress,
  noteReconfig,
  type OpenOrder,
  type OrderOutcome,
  openOrders,
  orderedBySignal,
  placeOrder,
  type ReconfigReport,
  readStranded,
  readWork,
  saveDrainWarning,
  setRoles,
  undoDrain,
} from "@multimaster/cluster";
import type { Work } from "@multimaster/core";
import { buildersOfMaster, countPendingRequestsOf } from "@multimaster/database";
import type { Trail } from "../model/actor.ts";
import { getItem } from "../read/read-items.ts";
import { masters } from "../resources/masters.ts";
import { members } from "../resources/members.ts";
import { type Order, orders } from "../resources/orders.ts";
import type { UpdateContext } from "./update-context.ts";

interface OrderFacts {
  masterid: number;
  reason: string;
  /** Who ordered it, for later readers. */
  orderedBy: string;
}

/** The work of a master when its drain began, and its builders. */
export interface DrainedWork extends MasterWork {
  readonly builders: readonly number[];
}

export interface OrderUpdates {
  /**
   * Orders that a master drains (`role` null) and ends, or that it drops one of its roles. `deadline`: seconds after
   * which running builds are released; null: never. Ordered again, it is the same order with another deadline. Throws
   * in a sentence when that master cannot.
   */
  drain(order: OrderFacts & { role: string | null; deadline: number | null }, trail?: Trail): Promise<Order>;
  /** Cancels an open drain. */
  undrain(masterid: number, role: string | null, trail?: Trail): Promise<Order>;
  addRole(order: OrderFacts & { role: string; builderSets?: readonly string[] }, trail?: Trail): Promise<Order>;

  /** Orders that a master loads its config again, and takes it over; `dryRun`: only says what would change. */
  reconfig(order: OrderFacts & { dryRun: boolean }, trail?: Trail): Promise<Order>;
  /** Records that a signal asked this master for that. */
  reconfigMyself(): Promise<void>;
  /** Records what a new config changes; before its order ends. */
  noteReconfig(orderid: number, report: ReconfigReport): Promise<void>;

  /** The open orders to this master. */
  open(): Promise<OpenOrder[]>;
  /** Records that a signal asked this master to end; returns the order's id. */
  drainMyself(deadline: number | null, reason: string): Promise<number>;
  /** Records that the drain has begun and the work at that time; returns what its outcome is judged by. */
  begin(orderid: number, work: Work): Promise<DrainedWork>;
  progress(orderid: number, work: Work, drained: DrainedWork | undefined): Promise<void>;
  /** Ends an order with its report; false when it was over, or when what was being undone has been ordered again. */
  end(
    orderid: number,
    outcome: OrderOutcome,
    report?: { detail?: string; work?: Work; drained?: DrainedWork; roles?: readonly string[]; before?: Work },
  ): Promise<boolean>;
  /** Publishes which roles this master has now (fenced). */
  setRoles(roles: readonly string[], builderSets: readonly string[]): Promise<void>;
}

/** A user may have the name that stands for a signal; such an order could not be cancelled. */
const namePerson = (name: string) => (name === orderedBySignal ? `user ${name}` : name);

export function createOrderUpdates(context: UpdateContext): OrderUpdates {
  const { database, lease, events, track } = context;

  /** Publishes the order, and wakes its master. */
  async function publishOrder(masterid: number, orderid: number, event: "new" | "update"): Promise<Order> {
    await publish(event, orderid, masterid);
    await track(events.publishControl("masters", masterid, "order", { orderid }));
    return (await getItem(orders, database, orderid)) as Order;
  }

  async function publish(event: "new" | "update" | "ended", orderid: number, masterid = lease.masterid): Promise<void> {
    await track(events.of(orders)[event]([orderid]));
    await track(events.of(members).update([masterid]));
  }

  return {
    async drain({ masterid, ...order }, trail) {
      const orderedBy = namePerson(order.orderedBy);
      const orderid = await placeOrder(database, { masterid, kind: "drain", ...order, orderedBy }, trail);
      return publishOrder(masterid, orderid, "new");
    },
    async undrain(masterid, role, trail) {
      return publishOrder(masterid, await undoDrain(database, masterid, role, trail), "update");
    },
    async addRole({ masterid, ...order }, trail) {
      return publishOrder(masterid, await placeOrder(database, { masterid, kind: "add", ...order }, trail), "new");
    },
    async reconfig({ masterid, ...order }, trail) {
      const orderid = await placeOrder(database, { masterid, kind: "reconfig", role: null, ...order }, trail);
      return publishOrder(masterid, orderid, "new");
    },
    async reconfigMyself() {
      const { masterid } = lease;
      const order = { masterid, kind: "reconfig", role: null, reason: "SIGHUP", orderedBy: orderedBySignal } as const;
      await publishOrder(masterid, await placeOrder(database, order), "new");
    },
    noteReconfig: (orderid, report) => noteReconfig(database, orderid, report),
    open: () => openOrders(database, lease),
    async drainMyself(deadline, reason) {
      const { masterid } = lease;
      const order = { masterid, kind: "drain", role: null, deadline, reason, orderedBy: orderedBySignal } as const;
      const orderid = await placeOrder(database, order);
      await publish("new", orderid);
      return orderid;
    },
    async begin(orderid, work) {
      const hasBuilds = work.builds !== undefined;
      const before = hasBuilds
        ? await readWork(database, lease.masterid)
        : { requests: [], newestBuild: 0, runningBuilds: [] };
      const pending = hasBuilds ? await countPendingRequestsOf(database, lease.masterid) : undefined;
      await noteProgress(database, orderid, {
        ...(pending === undefined ? {} : { requests_pending: pending, requests_running: before.requests.length }),
        ...(work.workers === undefined ? {} : { workers_before: work.workers }),
        ...(work.singletons === undefined ? {} : { singletons_before: work.singletons }),
        ...leftOf(work),
      });
      await publish("update", orderid);
      return { ...before, builders: await buildersOfMaster(database, lease.masterid) };
    },
    async progress(orderid, work, drained) {
      const outcomes = drained && work.builds !== undefined ? await outcomesOf(drained) : {};
      await noteProgress(database, orderid, { ...leftOf(work), ...outcomes });
      await publish("update", orderid);
    },
    async end(orderid, outcome, { detail, work = {}, drained, roles, before = {} } = {}) {
      if (outcome === "done" && roles !== undefined) await warnAtEnd(orderid, roles, drained, before);
      const figures = { ...leftOf(work), ...(drained ? await outcomesOf(drained, outcome === "done") : {}) };
      const ended = await endOrder(database, orderid, outcome, { detail, figures });
      if (ended) await publish("ended", orderid);
      return ended;
    },
    async setRoles(roles, builderSets) {
      await setRoles(database, lease, roles, builderSets);
      await track(events.of(masters).started([lease.masterid]));
      await track(events.of(members).update([lease.masterid]));
    },
  };

  /** The report also states what no other master took over. */
  async function warnAtEnd(
    orderid: number,
    roles: readonly string[],
    drained: DrainedWork | undefined,
    before: Work,
  ): Promise<void> {
    const stranded = await readStranded(database, lease.masterid, roles, drained?.builders ?? []);
    const { warning, requests } = stranded;
    const singletons = stranded.roles.includes("scheduler") ? before.singletons : 0;
    await saveDrainWarning(database, orderid, { warning, requests, singletons: singletons ?? 0 });
  }

  /** The figures of the requests that this master worked on; `isGone`: it does nothing more. */
  async function outcomesOf(drained: DrainedWork, isGone = false) {
    const { finished, handedOver, retried, lost } = await judgeWork(database, lease.masterid, drained, isGone);
    return { requests_finished: finished, requests_retried: retried + handedOver, requests_lost: lost };
  }
}

function leftOf({ builds, workers, singletons }: Work) {
  return {
    ...(builds === undefined ? {} : { builds_left: builds }),
    ...(workers === undefined ? {} : { workers_left: workers }),
    ...(singletons === undefined ? {} : { singletons_left: singletons }),
  };
}
