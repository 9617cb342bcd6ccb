import type { BusMessage, Key, Publisher } from "@multimaster/bus";
import type { Json, Logger } from "@multimaster/core";
import type { Connection } from "@multimaster/database";
import type { AnyResource } from "../../model/define-resource.ts";
import { createItemReader } from "../../read/item-reader.ts";
import { readBuildProperties } from "../../resources/build-properties.ts";
import { type LiveTopic, topicOf } from "./live-topics.ts";

type JsonObject = { readonly [field: string]: Json };

/** At most so many properties are read because a message names them. */
const maxNames = 1_000;

/** Properties that pages show of builds and requests. All properties may be a hundred times as much. */
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
 * Completes messages of the bus to whole objects. A client takes an event for the object itself and forgets missing fields
 * (docs/spec/web-contract.md §11.3, §11.13). Any program that may publish at the router can write any message, so only the
 * topic and ids of another process's message count, and the object is read from the rows. This process made its own messages from rows;
 * only what the bus truncated and the properties that pages show are read again.
 */
export function createWholeEvents({ connection, log }: { connection: Connection; log: Logger }) {
  const reader = createItemReader(connection, shownProperties);

  async function read({ key, payload }: BusMessage, publisher: Publisher): Promise<Json | undefined> {
    const { resource, idAt } = topicOf(key) as LiveTopic;
    const sent = isObject(payload) ? payload : {};
    if (resource === undefined) {
      const buildid = readId(key[idAt]);
      return buildid === undefined ? undefined : readProperties(buildid, publisher === "self" ? undefined : sent);
    }
    // A build below its builder has only its number in the topic: the message names it, and `isAbout` checks that.
    const id = readId((idAt < 0 ? undefined : key[idAt]) ?? sent[resource.id]);
    if (id === undefined) return undefined;
    const item = (await reader.read(resource, [id])).get(id) as JsonObject | undefined;
    if (!item) return undefined;
    if (publisher === "self") {
      const { truncated: _, ...rest } = sent;
      return { ...rest, ...item };
    }
    return isAbout(key, item, resource) ? { ...idsOf(sent, resource), ...item } : undefined;
  }

  /** Reads the changed properties, or all if the message does not name them. */
  async function readProperties(buildid: number, sent: JsonObject | undefined): Promise<Json> {
    const properties = sent === undefined || isCut(sent) ? undefined : Object.keys(sent).slice(0, maxNames);
    return (await readBuildProperties({ connection, properties }, [buildid])).get(buildid) ?? {};
  }

  return {
    /** The payload, or a promise of it: undefined if the object no longer exists. */
    complete(message: BusMessage, publisher: Publisher): Json | Promise<Json | undefined> {
      const { key, payload } = message;
      if (publisher === "self" && !isIncomplete(message)) return payload;
      return read(message, publisher).catch((error: unknown) => {
        // Clients poll the rows as well, and the rows could not be read now.
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

/** Undefined for an id out of range: it would fail the query that also reads the objects of other messages. */
function readId(sent: Json | undefined): number | undefined {
  const id = typeof sent === "string" && /^\d{1,16}$/.test(sent) ? Number(sent) : sent;
  return typeof id === "number" && Number.isSafeInteger(id) ? id : undefined;
}

/** Which other objects a message says that it is about. */
function idsOf(sent: JsonObject, { events }: AnyResource): JsonObject {
  const ids = (events?.ids ?? []).filter((name) => Number.isSafeInteger(sent[name]));
  return Object.fromEntries(ids.map((name) => [name, sent[name] as Json]));
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
