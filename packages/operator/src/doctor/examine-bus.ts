import { randomUUID } from "node:crypto";
import type { Bus } from "@multimaster/bus";
import type { LoadedConfig } from "@multimaster/config";
import { silentLog, systemClock } from "@multimaster/core";
import type { Database } from "@multimaster/database";
import { createClusterBus } from "../cluster-bus.ts";
import { type Finding, findingsOf } from "./finding.ts";

const { ok, warning, failed } = findingsOf("messages");

const arrivalMs = 5000;

/** Whether a message of one master reaches another: two connections are made, and one hears the other. */
export async function examineBus({ shared }: LoadedConfig, database: Database): Promise<Finding> {
  const { bus } = shared;
  if (bus.mute) return warning("the config mutes them", "remove bus.mute: masters find work by polling only");
  if (bus.router === undefined && !bus.notify)
    return database.dialect.name === "sqlite"
      ? ok("one process carries its own")
      : warning("there is no router: masters find work by polling", "name a crossbar.io router, or set bus.notify");
  const where = bus.router === undefined ? "PostgreSQL" : "the router";
  const pair = [0, 1].map(() => createClusterBus(shared, database, silentLog)) as [Bus, Bus];
  try {
    await Promise.all(pair.map((one) => one.start()));
    if (pair.some(({ state }) => state !== "connected"))
      return failed(
        `${where} cannot be reached${bus.router === undefined ? "" : ` at ${withoutLogin(bus.router)}`}`,
        "start it, and check its address, realm and login in the config; meanwhile masters poll",
      );
    return (await isHeard(...pair))
      ? ok(`a message through ${where} arrives`)
      : failed(
          `a message through ${where} does not arrive`,
          "let the masters' role publish and subscribe under org.buildbot.mq (docs/deploy.md)",
        );
  } finally {
    await Promise.all(pair.map((one) => one.stop()));
  }
}

async function isHeard(from: Bus, to: Bus): Promise<boolean> {
  const key = ["masters", randomUUID(), "examined"];
  const late = new AbortController();
  let heard = false;
  await to.subscribe(key, () => {
    heard = true;
    late.abort();
  });
  from.publish(key, null);
  await systemClock.sleep(arrivalMs, late.signal);
  return heard;
}

function withoutLogin(router: string): string {
  const { protocol, host, pathname } = new URL(router);
  return `${protocol}//${host}${pathname}`;
}
