import { errors, type Json, systemClock } from "@multimaster/core";
import type { Order } from "@multimaster/data";
import type { MasterControl } from "@multimaster/operator/control-masters";
import type { Api } from "./api.ts";

const pollMs = 500;
const over = new Set(["done", "undone", "failed", "lost"]);

/** Sends commands for masters through any ui master, even the one that is to drain: the command is stored in the rows. */
export function createRemoteControl(api: Api): MasterControl {
  async function call(name: string, method: string, params: Record<string, Json>): Promise<Order> {
    const { items } = await api.list("masters", "masters", { name });
    const [master] = items;
    if (!master) throw errors.notFound(`There is no master named "${name}"; "master status" shows those that are.`);
    return (await api.call(`masters/${master.masterid}`, method, params)) as unknown as Order;
  }
  const because = (reason: string | undefined): Record<string, Json> => (reason === undefined ? {} : { reason });

  return {
    drain: (name, deadline, reason) => call(name, "drain", { deadline, ...because(reason) }),
    undrain: (name) => call(name, "undrain", {}),
    dropRole: (name, role, reason) => call(name, "drop_role", { role, ...because(reason) }),
    addRole: (name, role, builders, reason) =>
      call(name, "add_role", { role, ...(builders ? { builders } : {}), ...because(reason) }),
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
