import { listMasters, type NewOrder, placeOrder, undoDrain } from "@multimaster/cluster";
import { errors, systemClock } from "@multimaster/core";
import { commandLineActor, createTrail, equals, findItems, type Order, orders } from "@multimaster/data";
import { loadClusterConfig } from "./load-cluster-config.ts";
import { openCluster } from "./with-cluster.ts";

/** Orders to masters, written straight into the rows: no ui master and no router is needed. */
export interface MasterControl {
  /** Drains the live master of this name; `deadline` in seconds, null for as long as it takes. */
  drain(name: string, deadline: number | null, reason?: string): Promise<Order>;
  undrain(name: string): Promise<Order>;
  dropRole(name: string, role: string, reason?: string): Promise<Order>;
  addRole(name: string, role: string, builderSets: readonly string[] | undefined, reason?: string): Promise<Order>;
  /** Lets a master take over the config in its files; `dryRun`: only says what would change. */
  reconfig(name: string, dryRun: boolean, reason?: string): Promise<Order>;
  /** The names of the live masters that may take over a new config, engines first. */
  names(): Promise<string[]>;
  /** Resolves when the order is over; `onProgress` is called with each state seen. */
  wait(orderid: number, onProgress: (order: Order) => void): Promise<Order>;
  close(): Promise<void>;
}

const pollMs = 500;
const over = new Set(["done", "undone", "failed", "lost"]);

/** Opens the cluster that a config names, to give orders to its masters. */
export async function openControl(configFile: string): Promise<MasterControl> {
  const { shared } = await loadClusterConfig(configFile);
  const database = await openCluster(shared);

  async function findMaster(name: string): Promise<number> {
    const master = (await listMasters(database)).find((candidate) => candidate.name === name);
    if (!master) throw errors.notFound(`There is no master named "${name}"; "master status" shows those that are.`);
    return master.masterid;
  }

  async function read(orderid: number): Promise<Order> {
    const found = await findItems(orders, database, { filters: [equals("orderid", orderid)] });
    const [order] = found?.rows ?? [];
    if (!order) throw errors.notFound(`There is no order ${orderid}.`);
    return order;
  }

  const actor = commandLineActor();
  const place = async (
    name: string,
    action: string,
    order: Pick<NewOrder, "kind" | "role" | "deadline" | "builderSets" | "dryRun">,
    reason = "no reason",
  ) =>
    read(
      await placeOrder(
        database,
        { masterid: await findMaster(name), reason, orderedBy: actor.name, ...order },
        createTrail(actor, action, `masters/${name}`),
      ),
    );

  return {
    drain: (name, deadline, reason) =>
      place(name, deadline === 0 ? "stop" : "drain", { kind: "drain", role: null, deadline }, reason),
    undrain: async (name) =>
      read(await undoDrain(database, await findMaster(name), null, createTrail(actor, "undrain", `masters/${name}`))),
    dropRole: (name, role, reason) => place(name, "drop_role", { kind: "drain", role }, reason),
    addRole: (name, role, builderSets, reason) => place(name, "add_role", { kind: "add", role, builderSets }, reason),
    reconfig: (name, dryRun, reason) => place(name, "reconfig", { kind: "reconfig", role: null, dryRun }, reason),
    names: async () => enginesFirst(await listMasters(database)),
    async wait(orderid, onProgress) {
      for (;;) {
        const order = await read(orderid);
        onProgress(order);
        if (over.has(order.state)) return order;
        await systemClock.sleep(pollMs);
      }
    },
    close: () => database.close(),
  };
}

/** Engines first: what schedulers of the new config ask for has its builders then. */
export function enginesFirst(
  masters: readonly {
    readonly name: string;
    readonly alive: boolean;
    readonly buildbot: boolean;
    readonly roles: readonly string[];
  }[],
): string[] {
  const rank = ({ roles }: { readonly roles: readonly string[] }) =>
    roles.includes("builder-engine") ? 0 : roles.includes("scheduler") ? 1 : 2;
  return masters
    .filter(({ alive, buildbot }) => alive && !buildbot)
    .sort((a, b) => rank(a) - rank(b))
    .map(({ name }) => name);
}
