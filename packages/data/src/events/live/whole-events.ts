import type { BusMessage, Key, Publisher } from "@multimaster/bus";
import type { Json, Logger } from "@multimaster/core";
import type { Connection } from "@multimaster/database";
import type { AnyResource } from "../../model/define-resource.ts";
import { createItemReader } from "../../read/item-reader.ts";
import { readBuildProperties } from "../../resources/build-properties.ts";
import { type LiveTopic, topicOf } from "./live-topics.ts";

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
 * Makes whole objects of what came over the bus. A client takes an event for the object itself and forgets the fields that
 * are missing (web-contract §11.3, §11.13). Whoever may publish at the router could say anything in a message, so of another
 * process's message only the topic and ids count, and the object is read from the rows. This process's own messages were made of rows;
 * only what the bus cut off and the properties that are shown are read again.
 */
export function createWholeEvents({ connection, log }: { connection: Connection; log: Logger }) {
  const reader = createItemReader(connection, shownProperties);

  async function read({ key, payload }: BusMessage, publisher: Publisher): Promise<Json | undefined> {
    const { resource, idAt } = topicOf(key) as LiveTopic;
    const told = isObject(payload) ? payload : {};
    if (resource === undefined) {
      const buildid = readId(key[idAt]);
      return buildid === undefined ? undefined : readProperties(buildid, publisher === "self" ? undefined : told);
    }
    // A build below its builder has only its number in the topic: the message names it, and `isAbout` checks that.
    const id = readId((idAt < 0 ? undefined : key[idAt]) ?? told[resource.id]);
    if (id === undefined) return undefined;
    const item = (await reader.read(resource, [id])).get(id) as JsonObject | undefined;
    if (!item) return undefined;
    if (publisher === "self") {
      const { truncated: _, ...rest } = told;
      return { ...rest, ...item };
    }
    return isAbout(key, item, resource) ? { ...idsOf(told, resource), ...item } : undefined;
  }

  /** Those that were changed, or all when the message does not say which. */
  async function readProperties(buildid: number, told: JsonObject | undefined): Promise<Json> {
    const properties = told === undefined || isCut(told) ? undefined : Object.keys(told).slice(0, maxNames);
    return (await readBuildProperties({ connection, properties }, [buildid])).get(buildid) ?? {};
  }

  return {
    /** The payload, or a promise of it: undefined when there is no such object any more. */
    complete(message: BusMessage, publisher: Publisher): Json | Promise<Json | undefined> {
      const { key, payload } = message;
      if (publisher === "self" && !isIncomplete(message)) return payload;
      return read(message, publisher).catch((error: unknown) => {
        // Whoever missed this looks at the rows, too, and they could not be read just now.
        log.warn({ err: error, topic: key.join(".") }, "an event could not be completed");
        return publisher === "other" || isCut(payload) || payload === null ? undefined : payload;
      });
    },
  };
}

function isIncomplete({ key, payload }: BusMessage): boolean {
  const resource = topicOf(key)?.resource;
  if (!resource) return isCut(payload);
  if (!isObject(payload) || isCut(payload)) return true;
  return Object.keys(resource.fields).some((field) => !(field in payload)) || "properties" in resource.fields;
}

/** One that no database could look for would end the query in which the ids of other messages are looked for as well. */
function readId(told: Json | undefined): number | undefined {
  const id = typeof told === "string" && /^\d{1,16}$/.test(told) ? Number(told) : told;
  return typeof id === "number" && Number.isSafeInteger(id) ? id : undefined;
}

/** Which other objects a message says that it is about. */
function idsOf(told: JsonObject, { events }: AnyResource): JsonObject {
  const ids = (events?.ids ?? []).filter((name) => Number.isSafeInteger(told[name]));
  return Object.fromEntries(ids.map((name) => [name, told[name] as Json]));
}

/** Whether one of the resource's topics, filled in for this object, is the key's. */
function isAbout(key: Key, item: JsonObject, { events }: AnyResource): boolean {
  return (events?.topics ?? []).some((topic) => {
    const parts = topic.split("/");
    return (
      parts.length === key.length - 1 &&
      parts.every((part, i) => (part.startsWith(":") ? String(item[part.slice(1)] ?? "None") : part) === key[i])
    );
  });
}

function isCut(payload: Json): boolean {
  return isObject(payload) && payload["truncated"] === true;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
