import { createHmac } from "node:crypto";
import { request } from "node:http";
import type { PluginDescriptor } from "@multimaster/config";
import type { Database } from "@multimaster/database";
import bitbucketcloud from "@multimaster/plugins/hooks/bitbucketcloud";
import bitbucketserver from "@multimaster/plugins/hooks/bitbucketserver";
import gerrit from "@multimaster/plugins/hooks/gerrit";
import gitea from "@multimaster/plugins/hooks/gitea";
import github from "@multimaster/plugins/hooks/github";
import gitlab from "@multimaster/plugins/hooks/gitlab";
import { type RestServer, startRestServer } from "./rest-server.ts";

export const secret = "a secret of the tests";

export const forges = { github, gitlab, gitea, bitbucketcloud, bitbucketserver, gerrit };
export type Forge = keyof typeof forges;

export interface Delivery {
  forge: Forge;
  /** As the forge's header has it; Gerrit has it in the payload. */
  event: string;
  payload: unknown;
  id?: string;
  /** Instead of the right one; null: none. */
  signature?: string | null;
  query?: string;
  contentType?: string;
  /** Instead of the payload's JSON. */
  body?: string;
  /** The hook it is sent to, when that is another forge's. */
  to?: Forge;
}

interface Manner {
  event?: string;
  id?: string;
  signature: string;
  sign(body: string): string;
}

const hmac = (body: string) => createHmac("sha256", secret).update(body).digest("hex");
const prefixed = (body: string) => `sha256=${hmac(body)}`;

/** How each forge talks. */
const manners: Record<Exclude<Forge, "gerrit">, Manner> = {
  github: { event: "x-github-event", id: "x-github-delivery", signature: "x-hub-signature-256", sign: prefixed },
  gitlab: { event: "x-gitlab-event", id: "x-gitlab-event-uuid", signature: "x-gitlab-token", sign: () => secret },
  gitea: { event: "x-gitea-event", id: "x-gitea-delivery", signature: "x-gitea-signature", sign: hmac },
  bitbucketcloud: { event: "x-event-key", id: "x-request-uuid", signature: "x-hub-signature", sign: prefixed },
  bitbucketserver: { event: "x-event-key", id: "x-request-id", signature: "x-hub-signature", sign: prefixed },
};

export interface HookAnswer {
  status: number;
  text: string;
}

/** Posts to a hook as its forge does. */
export async function deliver(server: RestServer, delivery: Delivery): Promise<HookAnswer> {
  const { forge, event, payload, id, signature, query = "", contentType = "application/json" } = delivery;
  const body = delivery.body ?? JSON.stringify(payload);
  const url = new URL(`change_hook/${delivery.to ?? forge}${query}`, server.url);
  const headers: Record<string, string> = { "content-type": contentType };
  if (forge === "gerrit") {
    if (signature !== null) url.searchParams.set("token", signature ?? secret);
  } else {
    const manner = manners[forge];
    headers[manner.event as string] = event;
    if (id !== undefined) headers[manner.id as string] = id;
    if (signature !== null) headers[manner.signature] = signature ?? manner.sign(body);
  }
  const response = await fetch(url, { method: "POST", body, headers });
  return { status: response.status, text: await response.text() };
}

/** Posts the head of a request whose body never comes; returns the status of the answer to that. */
export async function postHead(
  server: RestServer,
  { forge, event, signature }: { forge: Forge | "base"; event: string; signature: string | null },
): Promise<number> {
  const headers: Record<string, string> = { "content-type": "application/json", "content-length": "1000000" };
  const url = new URL(`change_hook/${forge}`, server.url);
  if (forge === "gerrit" && signature !== null) url.searchParams.set("token", signature);
  if (forge !== "gerrit" && forge !== "base") {
    headers[manners[forge].event as string] = event;
    if (signature !== null) headers[manners[forge].signature] = signature;
  }
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: "POST", headers }, (response) => {
      resolve(response.resume().statusCode ?? 0);
      asked.destroy();
    });
    asked.on("error", reject);
    asked.write("x");
  });
}

/** Every forge's hook with its secret, for what forks bring, too. */
const all = Object.values(forges).map((hook) => hook({ secret, forks: true }));

/** The hook without a secret: anyone may post to it. */
export function open(hook: PluginDescriptor): PluginDescriptor {
  return { ...hook, options: { ...(hook.options as object), anybody: true } };
}

/** A ui master with every forge's hook, or with these hooks. */
export function startHookServer(
  database: Database,
  slice: { hooks?: PluginDescriptor[]; changeHookAuth?: { user: string; password: string } } = {},
): Promise<RestServer> {
  return startRestServer(database, { hooks: all, ...slice });
}

// biome-ignore lint/suspicious/noExplicitAny: changes as REST answers them, read by name
export type RestChange = Record<string, any>;

/** All changes, oldest first, with the values of their properties only. */
export async function readChanges(server: RestServer): Promise<RestChange[]> {
  const { body } = await server.get("/api/v2/changes?order=changeid&limit=1000");
  return body.changes.map((change: RestChange) => ({
    ...change,
    properties: Object.fromEntries(
      Object.entries(change["properties"]).map(([name, value]) => [name, (value as unknown[])[0]]),
    ),
  }));
}
