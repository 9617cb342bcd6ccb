import { type Bus, createBus } from "@multimaster/bus";
import { LoopSign } from "@multimaster/cluster";
import { type ClusterConfig, uiSlice } from "@multimaster/config";
import {
  type Clock,
  createMetrics,
  measure,
  mergeFigures,
  ServiceGroup,
  silentLog,
  systemClock,
} from "@multimaster/core";
import { createData, type Data } from "@multimaster/data";
import type { Database } from "@multimaster/database";
import base from "@multimaster/plugins/hooks/base";
import { role } from "@multimaster/roles/ui/role";
import { onCleanup } from "./cleanup.ts";
import { join } from "./members.ts";

export interface RestServer {
  readonly url: string;
  readonly data: Data;
  readonly bus: Bus;
  /** Asks the role to let its work go. */
  drain(): Promise<void>;
  stop(): Promise<void>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body: unknown, contentType?: string): Promise<Answer>;
}

export interface Answer {
  status: number;
  contentType: string | null;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  body: any;
}

/** A ui role on a free port, over this database and an in-process bus. */
export async function startRestServer(
  database: Database,
  slice: Record<string, unknown> = {},
  ready: () => true | string[] = () => true,
  bus: Bus = createBus({ kind: "in-process" }, silentLog),
  shared: Partial<ClusterConfig> = {},
  clock: Clock = systemClock,
): Promise<RestServer> {
  const { lease } = await join(database, { roles: ["ui"], defaultBase: "host-ui" });
  const data = createData({ database, bus, lease, log: silentLog, clock: systemClock });
  const own = uiSlice.parse({ port: 0, hooks: [base({ anybody: true })], ...slice });
  const metrics = createMetrics();
  const services = role.services({
    master: { name: lease.name, masterid: lease.masterid },
    config: { own, shared: shared as ClusterConfig, directory: "." },
    data,
    clock,
    log: silentLog,
    metrics,
    figures: async () => mergeFigures([await measure(metrics)]),
    loop: new LoopSign(),
    lost: new AbortController().signal,
    listening: () => {},
    ready,
  });
  const running = new ServiceGroup("ui", services, silentLog);
  await running.start();
  onCleanup(async () => {
    await running.stop();
    await data.updates.close?.();
    await bus.stop();
  });
  const url = (services[0] as unknown as { url(): string }).url();

  async function ask(path: string, init: RequestInit): Promise<Answer> {
    const response = await fetch(new URL(path, url), init);
    const text = await response.text();
    return {
      status: response.status,
      contentType: response.headers.get("content-type"),
      headers: response.headers,
      text,
      body: parse(text),
    };
  }
  return {
    url,
    data,
    bus,
    drain: () => running.drain(new AbortController().signal),
    stop: () => running.stop(),
    get: (path, headers = { accept: "application/json" }) => ask(path, { headers }),
    post: (path, body, contentType = "application/json") =>
      ask(path, {
        method: "POST",
        body: typeof body === "string" ? body : JSON.stringify(body),
        headers: { "content-type": contentType },
      }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
