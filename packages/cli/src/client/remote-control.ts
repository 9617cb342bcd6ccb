import { errors, systemClock } from "@multimaster/core";
import type { ActionName, ActionParameters, Order } from "@multimaster/data";
import { enginesFirst, type MasterControl } from "@multimaster/operator/control-masters";
import type { Api } from "./api.ts";

const pollMs = 500;
const over = new Set(["done", "undone", "failed", "lost"]);

/** Sends commands for masters through any ui master, even the one that is to drain: the command is stored in the rows. */
export function createRemoteControl(api: Api): MasterControl {
  async function call<A extends ActionName<"masters">>(
    name: string,
    action: A,
    parameters: ActionParameters<"masters", A>,
  ): Promise<Order> {
    const { items } = await api.list("masters", "masters", { name });
    const [master] = items;
    if (!master) throw errors.notFound(`There is no master named "${name}"; "master status" shows those that are.`);
    return api.call("masters", `masters/${master.masterid}`, action, parameters);
  }
  const because = (reason: string | undefined) => (reason === undefined ? {} : { reason });

  return {
    drain: (name, deadline, reason) => call(name, "drain", { deadline, ...because(reason) }),
    undrain: (name) => call(name, "undrain", {}),
    dropRole: (name, role, reason) => call(name, "drop_role", { role, ...because(reason) }),
    addRole: (name, role, builders, reason) =>
      call(name, "add_role", { role, ...(builders ? { builders: [...builders] } : {}), ...because(reason) }),
    reconfig: (name, dryRun, reason) => call(name, "reconfig", { dry_run: dryRun, ...because(reason) }),
    names: async () => enginesFirst((await api.list("members", "members")).items),
    async wait(orderid, onProgress) {
      for (;;) {
        const order = await api.one("orders", `orders/${orderid}`);
        onProgress(order);
        if (over.has(order.state)) return order;
        await systemClock.sleep(pollMs);
      }
    },
    close: async () => {},
  };
}
