import { randomUUID } from "node:crypto";
import type { Bus } from "@multimaster/bus";
import type { LoadedConfig } from "@multimaster/config";
import { silentLog } from "@multimaster/core";
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
  let hear: () => void = () => undefined;
  const heard = new Promise<boolean>((resolve) => (hear = () => resolve(true)));
  await to.subscribe(key, () => hear());
  from.publish(key, null);
  const limit = new AbortController();
  const late = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), arrivalMs);
    limit.signal.addEventListener("abort", () => clearTimeout(timer));
  });
  try {
    return await Promise.race([heard, late]);
  } finally {
    limit.abort();
  }
}

function withoutLogin(router: string): string {
  const { protocol, host, pathname } = new URL(router);
  return `${protocol}//${host}${pathname}`;
}
