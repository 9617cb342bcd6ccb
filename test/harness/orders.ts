import type { Order } from "@multimaster/data";
import { expect } from "vitest";
import type { TestCluster } from "./cluster.ts";
import type { TestMaster } from "./master.ts";
import { waitFor } from "./wait-for.ts";

/** An order as it stands. */
export async function readOrder(ui: TestMaster, orderid: number): Promise<Order> {
  const { body } = await ui.api<{ orders: Order[] }>(`orders/${orderid}`);
  return body.orders[0] as Order;
}

async function masterId(ui: TestMaster, name: string): Promise<number> {
  const { body } = await ui.api<{ masters: { masterid: number; name: string }[] }>("masters");
  return body.masters.find((master) => master.name === name)?.masterid ?? 0;
}

/** Orders something of the master of this name, over REST; `message` is the sentence of a refusal. */
export async function order(ui: TestMaster, name: string, method: string, params: object = {}) {
  const answer = await ui.apiPost<{ result: Order; error?: { message: string } }>(
    `masters/${await masterId(ui, name)}`,
    method,
    params,
  );
  return { status: answer.status, order: answer.body.result, message: answer.body.error?.message };
}

/** Forces builds of a builder of the ledger config. */
export async function forceBuilds(ui: TestMaster, count: number, builder = "job"): Promise<void> {
  for (let n = 0; n < count; n++) {
    const { status } = await ui.apiPost("forceschedulers/force", "force", { builderNames: [builder], reason: `${n}` });
    expect(status).toBe(200);
  }
}

/** Builds of which the outside ledger has the beginning. */
export function countBegun(cluster: TestCluster): number {
  return cluster.ledger.lines().filter((line) => line.startsWith("begin")).length;
}

/** Waits until so many build requests are complete. */
export async function waitForRequests(cluster: TestCluster, count: number): Promise<void> {
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === count, {
    what: `${count} requests to be complete`,
    timeoutMs: 90_000,
  });
}
