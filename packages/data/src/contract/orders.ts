import type { OpenOrder, OrderOutcome } from "@multimaster/cluster";
import type { Work } from "@multimaster/core";
import type { Trail } from "../model/actor.ts";
import type { Order } from "../resources/orders.ts";

interface OrderFacts {
  masterid: number;
  reason: string;
  /** Who wants it, for those who look later. */
  orderedBy: string;
}

/** What a master had in hand when its drain began. */
export interface DrainedWork {
  /** Requests that it worked on. */
  readonly requests: readonly number[];
  /** The newest build there was: later ones of this master are of requests that it took on while it drained. */
  readonly newestBuild: number;
  /** Its builders. */
  readonly builders: readonly number[];
}

export interface OrderUpdates {
  /**
   * Orders that a master drains (`role` null) and ends, or that it drops one of its roles. `deadline`: seconds after
   * which running builds are given back; null: never. Ordered again, it is the same order with another deadline. Throws
   * in a sentence when that master cannot.
   */
  drain(order: OrderFacts & { role: string | null; deadline: number | null }, trail?: Trail): Promise<Order>;
  /** Takes an open drain back. */
  undrain(masterid: number, role: string | null, trail?: Trail): Promise<Order>;
  addRole(order: OrderFacts & { role: string; builderSets?: readonly string[] }, trail?: Trail): Promise<Order>;

  /** The open orders to this master. */
  open(): Promise<OpenOrder[]>;
  /** Writes down that this master was told by a signal to end; gives the order's id. */
  drainMyself(deadline: number | null, reason: string): Promise<number>;
  /** Notes that the drain has begun and what there was; gives by what its outcome is judged later. */
  begin(orderid: number, work: Work): Promise<DrainedWork>;
  progress(orderid: number, work: Work, drained: DrainedWork | undefined): Promise<void>;
  /** Ends an order with its report; false when it was over, or when what was being undone has been ordered again. */
  end(
    orderid: number,
    outcome: OrderOutcome,
    report?: { detail?: string; work?: Work; drained?: DrainedWork; roles?: readonly string[]; before?: Work },
  ): Promise<boolean>;
  /** Tells the cluster which roles this master has now (fenced). */
  setRoles(roles: readonly string[], builderSets: readonly string[]): Promise<void>;
}
