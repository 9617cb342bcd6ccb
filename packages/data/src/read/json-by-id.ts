import { queryRows, quote, writeSelect } from "@multimaster/database";
import type { AnyResource, Field, ReadContext } from "../model/define-resource.ts";
import type { Match } from "../model/match-path.ts";
import type { Query } from "../model/query.ts";
import { writeObject } from "./json-rows.ts";
import { replacePieces } from "./property-pieces.ts";
import { contextOf, selectOf } from "./read-items.ts";

type Texts = ReadonlyMap<number, string>;

interface Lane {
  running: Promise<unknown>;
  next: { readonly ids: Set<number>; readonly texts: Promise<Texts> } | undefined;
}

/**
 * Reads single objects as JSON text by id. For each kind of read at most one query is under way: ids that are asked for
 * meanwhile are read together by the next one, so no caller gets what was read before it asked.
 */
export class JsonById {
  readonly #connection: ReadContext["connection"];
  #lanes = new Map<string, Lane>();

  constructor(connection: ReadContext["connection"]) {
    this.#connection = connection;
  }

  /** Whether this can be read so: the path names the object by its id, and the id is read. */
  canRead({ resource, path }: Match, query: Query): boolean {
    const idSql = (resource.fields[resource.id] as Field | undefined)?.sql;
    const isById = path.kind === "single" && path.where === `${idSql} = :${resource.id}` && !path.rows;
    return isById && (query.fields?.includes(resource.id) ?? true);
  }

  /** The object's text, or null if there is none; undefined if the database does not write it. */
  async read(match: Match, query: Query): Promise<string | null | undefined> {
    const { resource, params, path } = match;
    const id = params[resource.id] as number;
    // Params name one object: only what they share is of the statement.
    const context = contextOf(this.#connection, query, { path });
    const object = writeObject(resource, context, query);
    if (!object) return undefined;
    const key = JSON.stringify([resource.plural, query.fields, query.properties]);
    const texts = await this.#together(key, id, (ids) => readTexts(resource, context, query, object, ids));
    return texts.get(id) ?? null;
  }

  #together(key: string, id: number, read: (ids: readonly number[]) => Promise<Texts>): Promise<Texts> {
    let lane = this.#lanes.get(key);
    if (!lane) this.#lanes.set(key, (lane = { running: Promise.resolve(), next: undefined }));
    if (lane.next) {
      lane.next.ids.add(id);
      return lane.next.texts;
    }
    const owner = lane;
    const ids = new Set([id]);
    const texts = lane.running.then(() => {
      owner.next = undefined;
      return read([...ids]);
    });
    lane.next = { ids, texts };
    const running = texts
      .catch(() => undefined)
      .then(() => {
        if (owner.running === running && !owner.next) this.#lanes.delete(key);
      });
    lane.running = running;
    return texts;
  }
}

async function readTexts(
  resource: AnyResource,
  context: ReadContext,
  query: Query,
  object: { readonly sql: string; readonly bindings: readonly unknown[] },
  ids: readonly number[],
): Promise<Texts> {
  const { dialect } = context.connection;
  const idSql = (resource.fields[resource.id] as Field).sql as string;
  const rows = writeSelect(dialect, selectOf(resource, context, [dialect.isOneOf(idSql, ids)], query));
  const found = await queryRows<{ id: number; json: string }>(
    context.connection,
    `select t.${quote(resource.id)} as id, ${object.sql} as json from (${rows.sql}) t`,
    [...object.bindings, ...rows.bindings],
  );
  return new Map(found.map(({ id, json }) => [id, replacePieces(json)]));
}
