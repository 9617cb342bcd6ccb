import type { BusMessage } from "@multimaster/bus";
import type { Json, Logger } from "@multimaster/core";
import type { Connection } from "@multimaster/database";
import type { AnyResource } from "../define-resource.ts";
import { createItemReader } from "../item-reader.ts";
import { resources } from "../registry.ts";
import { readBuildProperties } from "../resources/build-properties.ts";

type JsonObject = { readonly [field: string]: Json };

/** More properties than this are not read at once because a message names them. */
const maxNames = 1_000;

/** What pages show of builds and requests beside their own fields. All properties may be a hundred times as much. */
const shownProperties = [
  "branch",
  "revision",
  "got_revision",
  "owner",
  "owners",
  "workername",
  "project",
  "repository",
];

/**
 * Makes objects of messages: a client takes an event for the object itself and forgets the fields that are missing
 * (web-contract §11.3, §11.13). Of a message only its topic counts, since anyone who may publish at the router writes the
 * payload: the object is read from the rows. Beside it, only other ids are taken from the payload.
 */
export function createWholeEvents({ connection, log }: { connection: Connection; log: Logger }) {
  const reader = createItemReader(connection, shownProperties);

  async function read({ key, payload }: BusMessage): Promise<Json | undefined> {
    const found = findResource(key);
    if (found) {
      const id = found.id === undefined ? idIn(payload, found.resource) : Number(found.id);
      if (!Number.isSafeInteger(id)) return undefined;
      const item = (await reader.read(found.resource, [id])).get(id) as JsonObject | undefined;
      if (item === undefined || !isOf(item, found.resource, key)) return undefined;
      return { ...idsOf(payload, found.resource), ...item };
    }
    const buildid = Number(key[1]);
    if (!Number.isSafeInteger(buildid)) return undefined;
    const names = isObject(payload) && !isCut(payload) ? Object.keys(payload).slice(0, maxNames) : undefined;
    const properties = await readBuildProperties({ connection, properties: names }, [buildid]);
    return properties.get(buildid) ?? {};
  }

  return {
    /** The object, or a promise of it: undefined when there is no such object. */
    complete(message: BusMessage): Json | Promise<Json | undefined> {
      const { key } = message;
      // What is no object has no row to read: that it happened is all that is passed on.
      if (!findResource(key) && !isBuildProperties(key)) return key[0] === "control" ? {} : null;
      return read(message).catch((error: unknown) => {
        // Whoever missed this looks at the rows, too, and they could not be read just now.
        log.warn({ err: error, topic: key.join(".") }, "an event could not be completed");
        return undefined;
      });
    },
  };
}

/** A build below its builder, or a log below its step, has no id in the topic: the payload only says which row to read. */
function idIn(payload: Json, resource: AnyResource): number {
  return isObject(payload) ? Number(payload[resource.id]) : Number.NaN;
}

/** Which other objects it says that it is about; anything but an id stays away from who listens. */
function idsOf(payload: Json, { events }: AnyResource): JsonObject {
  const told = isObject(payload) ? payload : {};
  const ids = (events?.ids ?? []).filter((name) => Number.isSafeInteger(told[name]));
  return Object.fromEntries(ids.map((name) => [name, told[name] as Json]));
}

/** Whether a topic of the resource, filled in with this object, is the one on which the message came. */
function isOf(item: JsonObject, resource: AnyResource, key: readonly string[]): boolean {
  return routes.some(
    (route) =>
      route.resource === resource &&
      route.parts.length === key.length - 1 &&
      route.parts.every((part, i) => (part.startsWith(":") ? String(item[part.slice(1)] ?? "None") : part) === key[i]),
  );
}

const routes = resources.flatMap((resource) =>
  (resource.events?.topics ?? []).map((topic) => ({ resource, parts: topic.split("/") })),
);

/** The resource whose event has this key, and the id in it (of a build below its builder, there is only the number). */
function findResource(key: readonly string[]): { resource: AnyResource; id: string | undefined } | undefined {
  const event = key.at(-1) as string;
  const route = routes.find(
    ({ resource, parts }) =>
      parts.length === key.length - 1 &&
      parts.every((part, i) => part.startsWith(":") || part === key[i]) &&
      resource.events?.names.includes(event),
  );
  return route && { resource: route.resource, id: key[route.parts.indexOf(`:${route.resource.id}`)] };
}

function isBuildProperties(key: readonly string[]): boolean {
  return key.length === 4 && key[0] === "builds" && key[2] === "properties";
}

function isCut(payload: Json): boolean {
  return isObject(payload) && payload["truncated"] === true;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
