import type { BusMessage } from "@multimaster/bus";
import type { Json, Logger } from "@multimaster/core";
import type { Connection } from "@multimaster/database";
import type { AnyResource } from "../define-resource.ts";
import { createItemReader } from "../item-reader.ts";
import { resources } from "../registry.ts";
import { readBuildProperties } from "../resources/build-properties.ts";

type JsonObject = { readonly [field: string]: Json };

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
 * Makes whole objects of what came over the bus: a client takes an event for the object itself and forgets the fields that
 * are missing (web-contract §11.3, §11.13). What the bus cut off, what another master left out, and the properties that are
 * shown are read again.
 */
export function createWholeEvents({ connection, log }: { connection: Connection; log: Logger }) {
  const reader = createItemReader(connection, shownProperties);

  async function read({ key, payload }: BusMessage): Promise<Json | undefined> {
    const told = isObject(payload) ? payload : {};
    const found = findResource(key);
    if (found) {
      const id = Number(told[found.resource.id] ?? found.id);
      const item = (await reader.read(found.resource, [id])).get(id) as JsonObject | undefined;
      if (!item) return undefined;
      const { truncated: _, ...rest } = told;
      return { ...rest, ...item };
    }
    const buildid = Number(key[1]);
    return (await readBuildProperties({ connection, properties: undefined }, [buildid])).get(buildid) ?? {};
  }

  return {
    /** The payload, or a promise of it: undefined when there is no such object any more. */
    complete(message: BusMessage): Json | Promise<Json | undefined> {
      const { key, payload } = message;
      if (!isIncomplete(message)) return payload;
      return read(message).catch((error: unknown) => {
        // Whoever missed this looks at the rows, too, and they could not be read just now.
        log.warn({ err: error, topic: key.join(".") }, "an event could not be completed");
        return isCut(payload) || payload === null ? undefined : payload;
      });
    },
  };
}

function isIncomplete({ key, payload }: BusMessage): boolean {
  if (isBuildProperties(key)) return isCut(payload);
  const resource = findResource(key)?.resource;
  if (!resource) return false;
  if (!isObject(payload) || isCut(payload)) return true;
  return Object.keys(resource.fields).some((field) => !(field in payload)) || "properties" in resource.fields;
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
