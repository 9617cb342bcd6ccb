import type { OpenOrder } from "@multimaster/cluster";
import { type Clock, type Failure, type Logger, type Service, UserError, WakeupLoop } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import { DrainRun } from "./drain-run.ts";
import type { HostedRoles, SelectedRole, Selection } from "./hosted-roles.ts";

export interface OrdersOptions {
  readonly masterid: number;
  readonly data: Data;
  readonly hosts: HostedRoles;
  readonly selection: Selection;
  readonly clock: Clock;
  readonly log: Logger;
  /** Loads a role and its slice; throws in a sentence when there is none, or the config has errors. */
  loadRole(name: string, builderSets: readonly string[] | undefined): Promise<SelectedRole>;
  /** Carries out the order to take over a new config; throws in a sentence when that cannot be. */
  reconfigure(order: OpenOrder): Promise<void>;
  /** A user wants this master to drain and end; called once per order. */
  onDrain(order: OpenOrder): void;
}

/** The longest time until an order without a message is seen. */
const pollMs = 1000;

/**
 * Carries out requests to this master: the rows hold them, a message only makes it poll immediately. Roles are
 * dropped and added here; the drain of the whole master is its term's business, and is only kept in step with its row.
 */
export class Orders implements Service {
  readonly name = "orders";
  #options: OrdersOptions;
  #loop: WakeupLoop;
  #subscription: Promise<{ unsubscribe(): Promise<void> } | undefined> | undefined;
  #runs = new Map<number, DrainRun>();
  /** Orders that are being carried out, or of which the term has been notified. */
  #taken = new Set<number>();
  /** One change of roles at a time. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: OrdersOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#loop = new WakeupLoop({ name: this.name, clock, log, pollMs, poll: () => this.#look() });
  }

  async start(): Promise<void> {
    const { data, masterid, log } = this.#options;
    this.#subscription = data.events
      .onControl({ of: "masters", id: masterid }, () => this.#loop.wake())
      .catch((error: unknown) => {
        log.warn({ err: error }, "orders are not heard at once; polling goes on");
        return undefined;
      });
    this.#loop.start();
  }

  failure(): Failure | undefined {
    return this.#loop.failure();
  }

  async stop(): Promise<void> {
    await (await this.#subscription)?.unsubscribe().catch(() => undefined);
    await this.#loop.stop();
    for (const run of this.#runs.values()) run.force("the master ends");
    await this.#turn;
  }

  /** Keeps a drain in step with its row. */
  follow(run: DrainRun): void {
    if (run.orderid === undefined) return;
    this.#taken.add(run.orderid);
    this.#runs.set(run.orderid, run);
    this.#loop.wake();
  }

  forget(run: DrainRun): void {
    if (run.orderid === undefined) return;
    this.#runs.delete(run.orderid);
    this.#taken.delete(run.orderid);
  }

  async #look(): Promise<void> {
    const { data, onDrain } = this.#options;
    for (const order of await data.updates.orders.open()) {
      const run = this.#runs.get(order.orderid);
      if (run) run.update(order);
      else if (this.#taken.has(order.orderid)) continue;
      else if (order.undone) await data.updates.orders.end(order.orderid, "undone");
      else {
        this.#taken.add(order.orderid);
        if (order.kind === "reconfig") this.#inTurn(order, () => this.#options.reconfigure(order));
        else if (order.kind === "add") this.#inTurn(order, () => this.#add(order));
        else if (order.role !== null) this.#inTurn(order, () => this.#drop(order, order.role as string));
        else onDrain(order);
      }
    }
  }

  #inTurn(order: OpenOrder, act: () => Promise<void>): void {
    const { data, log } = this.#options;
    this.#turn = this.#turn.then(act).catch(async (error: unknown) => {
      // An error of a config or a name has its own sentence.
      const detail = error instanceof UserError ? error.message : `unexpected error: ${(error as Error).message}`;
      const cause = error instanceof UserError ? {} : { err: error };
      log.error({ orderid: order.orderid, ...cause }, `an order could not be carried out: ${detail}`);
      await data.updates.orders.end(order.orderid, "failed", { detail }).catch(() => undefined);
    });
  }

  async #add(order: OpenOrder): Promise<void> {
    const { data, hosts, loadRole, selection } = this.#options;
    const role = order.role as string;
    const selected = await loadRole(role, order.builderSets ?? undefined);
    await hosts.addRole(selected, order.builderSets ?? []);
    await data.updates.orders.setRoles(hosts.names, selection.builderSets);
    await data.updates.orders.end(order.orderid, "done");
  }

  async #drop(order: OpenOrder, role: string): Promise<void> {
    const { data, hosts, selection, clock, log } = this.#options;
    const target = hosts.of(role);
    if (!target) {
      await data.updates.orders.end(order.orderid, "done");
      return;
    }
    const run = new DrainRun({ orderid: order.orderid, target, roles: [role], data, clock, log });
    run.update(order);
    this.follow(run);
    log.info({ role, orderid: order.orderid }, `dropping the role ${role}: ${order.reason}`);
    try {
      if ((await run.run()) === "undone") return;
      await hosts.dropRole(role);
      await data.updates.orders.setRoles(hosts.names, selection.builderSets);
      await run.report();
    } finally {
      this.forget(run);
    }
  }
}
