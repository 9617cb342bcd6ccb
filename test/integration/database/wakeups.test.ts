import type { Bus } from "@multimaster/bus";
import { clusterConfig } from "@multimaster/config";
import { silentLog } from "@multimaster/core";
import { openDatabase } from "@multimaster/database";
import { createClusterBus } from "@multimaster/operator/cluster-bus";
import { expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { startPgbouncer } from "../../harness/pgbouncer.ts";
import { freePort } from "../../harness/ports.ts";
import { sharedPostgres } from "../../harness/postgres.ts";
import { waitFor } from "../../harness/wait-for.ts";

type Pooling = Parameters<typeof createClusterBus>[1]["pooling"];

/** The bus of a master with this config, and what it logged as it was made. */
function busOf(database: string, bus: object, pooling: Pooling = "none"): { bus: Bus; said: string[] } {
  const said: string[] = [];
  const log = Object.assign(silentLog.child({}), { info: (...line: unknown[]) => said.push(String(line.at(-1))) });
  const config = clusterConfig.parse({ name: "test", database, bus: { router: "ws://127.0.0.1:1/ws", ...bus } });
  return { bus: createClusterBus(config, { pooling }, log), said };
}

it("PostgreSQL stands in for a router where it has sessions, and unless the config says no", () => {
  const url = "postgresql://x@127.0.0.1:1/x";
  expect(busOf(url, {}).bus.wakeups).toMatchObject({ isListening: false, dropped: 0 });
  expect(busOf(url, { notify: true }).bus).toMatchObject({ kind: "wamp", wakeups: { isListening: false } });
  for (const without of [{ notify: false }, { mute: true }, { router: undefined, notify: true }])
    expect(busOf(url, without).bus.wakeups).toBe(undefined);
  expect(busOf("sqlite:x", {}).bus.wakeups).toBe(undefined);
});

it.each(["transaction", "session"] as const)("behind PgBouncer in %s mode", async (mode) => {
  const pooler = await startPgbouncer({ url: await (await sharedPostgres()).createDatabase(), mode });
  const url = mode === "session" ? `${pooler.url}?pooler=session` : pooler.url;
  const database = await openDatabase(url, { log: silentLog });
  onCleanup(() => database.close());
  const { bus, said } = busOf(url, { router: `ws://127.0.0.1:${await freePort()}/ws` }, database.pooling);
  onCleanup(() => bus.stop());
  await bus.start();
  if (mode === "transaction") {
    expect(bus.wakeups).toBe(undefined);
    expect(said).toEqual([expect.stringContaining("a connection pooler gives no sessions for LISTEN")]);
    return;
  }
  await waitFor(() => bus.wakeups?.isListening, { what: "the bus to listen" });
  expect(said).toEqual([]);
});
