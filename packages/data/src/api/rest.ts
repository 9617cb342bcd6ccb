import { LeaseLost } from "@multimaster/cluster";
import { errors, type Json } from "@multimaster/core";
import type { Database } from "@multimaster/database";
import { type ActionContext, type AnyAction, type Caller, type Prepared, readParameters } from "../actions/action.ts";
import { actionsOf } from "../actions/index.ts";
import type { Events } from "../events/events.ts";
import { createTrail, type Trail } from "../model/actor.ts";
import type { BusView, LinesAnswer, RawAnswer, WritesView } from "../model/define-resource.ts";
import { createMatcher, type Match } from "../model/match-path.ts";
import type { Query } from "../model/query.ts";
import { explainDatabase } from "../read/explain-database.ts";
import { JsonById } from "../read/json-by-id.ts";
import { findJson } from "../read/json-rows.ts";
import { findItems } from "../read/read-items.ts";
import { RecentTotals } from "../read/recent-totals.ts";
import { resources } from "../resources/registry.ts";
import type { Updates } from "../updates/index.ts";
import { boundList } from "./bound-list.ts";
import { listPages, pageSize } from "./list-pages.ts";
import { parseQuery } from "./parse-query.ts";

type JsonObject = { readonly [key: string]: Json };

/** The answer to a read: an envelope, a long list, an envelope around one long text, or a file. */
export type RestAnswer =
  | {
      readonly kind: "envelope";
      readonly plural: string;
      readonly items: readonly JsonObject[];
      readonly meta: JsonObject;
    }
  /** The same as text: the objects with commas between them, without spaces, as the database wrote them. */
  | {
      readonly kind: "json";
      readonly plural: string;
      readonly json: string;
      readonly meta: JsonObject;
    }
  /** A list too long for memory: its pages are read while they are sent. */
  | {
      readonly kind: "pages";
      readonly plural: string;
      readonly total: number;
      readonly pages: AsyncIterable<readonly JsonObject[]>;
    }
  | ({ readonly kind: "lines"; readonly plural: string } & LinesAnswer)
  | ({ readonly kind: "raw" } & RawAnswer);

type JsonAnswer = RestAnswer & { kind: "json" };

/** The data API without HTTP. It throws errors of the catalogue, `FieldErrors` and `NoSuchMethod`. */
export interface Rest {
  /** Reads what a path names; its parts are decoded. `asText`: the caller takes objects as text. */
  get(path: readonly string[], search: URLSearchParams, asText?: boolean): Promise<RestAnswer>;
  /** The same as text, if the database writes it; undefined: it must be read by `get`. */
  text(path: readonly string[], search: URLSearchParams): Promise<JsonAnswer | undefined>;
  /** Performs a JSON-RPC method on what a path names. */
  call(path: readonly string[], method: string, params: JsonObject, caller: Caller): Promise<Json>;
  /** Whether what a path names has such a method at all. */
  has(path: readonly string[], method: string): boolean;
}

/** The thing exists, but it has no such method. */
export class NoSuchMethod extends Error {
  constructor(method: string) {
    super(`action: ${method} is not supported`);
    this.name = "NoSuchMethod";
  }
}

export interface RestOptions {
  readonly database: Database;
  readonly updates: Updates;
  readonly events: Events;
  readonly bus: BusView;
  readonly writes?: WritesView | undefined;
}

export function createRest({ database, updates, events, bus, writes }: RestOptions): Rest {
  const seen = { bus, ...(writes ? { writes } : {}) };
  const findMatch = createMatcher(resources);
  const { count } = new RecentTotals();
  const byId = new JsonById(database);
  const control: ActionContext["control"] = (of, id, action, payload) =>
    void events.publishControl(of, id, action, payload);

  function match(path: readonly string[]): Match {
    const found = findMatch(path);
    if (!found) throw errors.notFound(`Invalid path: ${path.join("/")}`);
    return found;
  }

  async function readOne(found: Match, path: readonly string[], query: Query): Promise<JsonObject> {
    const items = await findItems(found.resource, database, query, { ...found, ...seen });
    const [item] = items?.rows ?? [];
    if (item === undefined) throw missing(found, path);
    return item as JsonObject;
  }

  /** The objects as the database writes them; undefined if they must be read first. */
  async function readText(found: Match, path: readonly string[], query: Query): Promise<JsonAnswer | undefined> {
    const { resource } = found;
    const isOne = found.path.kind === "single";
    if (isOne && byId.canRead(found, query)) {
      const json = await byId.read(found, query);
      if (json === null) throw missing(found, path);
      return json === undefined ? undefined : { kind: "json", plural: resource.plural, json, meta: {} };
    }
    const isWhole = !isOne && query.limit === undefined;
    const bounded = isWhole ? { ...query, limit: pageSize, countTo: Number.MAX_SAFE_INTEGER } : query;
    const rows = await findJson(resource, database, bounded, { ...found, count });
    // Two rows of one name, or a list that is read in pages.
    if (!rows || (isOne && rows.count > 1) || (isWhole && rows.count === pageSize)) return undefined;
    if (isOne && rows.count === 0) throw missing(found, path);
    return { kind: "json", plural: resource.plural, json: rows.json, meta: isOne ? {} : { total: rows.total } };
  }

  function readQuery({ resource, path }: Match, search: URLSearchParams): Query {
    const asked = parseQuery(search, resource, path);
    return path.kind === "collection" ? boundList(resource, asked) : asked;
  }

  const rest: Pick<Rest, "get" | "text" | "call"> = {
    async text(path, search) {
      const found = match(path);
      const isOfRows = found.path.kind === "collection" || found.path.kind === "single";
      return isOfRows ? readText(found, path, readQuery(found, search)) : undefined;
    },

    async get(path, search, asText) {
      const found = match(path);
      const { resource, params } = found;
      const query = readQuery(found, search);
      const context = { connection: database, params, properties: query.properties, filters: [] };
      if (found.path.open) {
        const raw = await found.path.open(context);
        if (!raw) throw missing(found, path);
        return { kind: "raw", ...raw };
      }
      if (found.path.lines) {
        const lines = { offset: query.offset ?? 0, limit: query.limit };
        const answer = await found.path.lines({ ...context, lines });
        if (!answer) throw missing(found, path);
        return linesAnswer(resource.plural, answer, query.fields);
      }
      const text = asText === true ? await readText(found, path, query) : undefined;
      if (text) return text;
      if (found.path.kind === "single") {
        return { kind: "envelope", plural: resource.plural, items: [await readOne(found, path, query)], meta: {} };
      }
      if (resource.from !== undefined && !found.path.rows && query.limit === undefined) {
        const list = await listPages(resource, database, query, found);
        if ("pages" in list) return { kind: "pages", plural: resource.plural, ...list } as RestAnswer;
        return {
          kind: "envelope",
          plural: resource.plural,
          items: list.rows as JsonObject[],
          meta: { total: list.total },
        };
      }
      const items = await findItems(resource, database, query, { ...found, ...seen });
      if (!items) throw missing(found, path);
      return {
        kind: "envelope",
        plural: resource.plural,
        items: items.rows as JsonObject[],
        meta: { total: items.total },
      };
    },

    async call(path, method, { owner: _, ...params }, caller) {
      let isWritten = false;
      const write = createTrail(caller, method, path.join("/"));
      const noting =
        (one: Trail): Trail =>
        async (tx) => {
          await one(tx);
          isWritten = true;
        };
      const trails = {
        trail: noting(write),
        trailOf: (object: string, detail: string) => noting(createTrail(caller, method, object, detail)),
      };
      const prepared = await prepare(path, method, params, caller, trails).catch(async (error: unknown) => {
        // Only callers with the right to the action learn what is wrong with their call.
        await caller.check(async () => ({ builders: [] }));
        throw error;
      });
      if (!prepared.checksEach) await caller.check(async () => (await prepared.about?.()) ?? { builders: [] });
      const answer = await prepared.perform();
      // A call that changed nothing, such as a repeated delivery, gets a row as well.
      if (!isWritten && !prepared.isUnrecorded) await write(database);
      return answer;
    },
  };

  async function prepare(
    path: readonly string[],
    method: string,
    params: JsonObject,
    actor: Caller,
    trails: Pick<ActionContext, "trail" | "trailOf">,
  ): Promise<Prepared> {
    const found = match(path);
    const action = actionOf(found, method);
    if (!action) throw new NoSuchMethod(method);
    const reload = async () => (found.path.kind === "single" ? readOne(found, path, {}) : null);
    const item = await reload();
    const parameters = readParameters(action, params);
    return action.prepare(
      { updates, connection: database, control, actor, ...trails, check: actor.check, reload },
      item,
      parameters,
    );
  }

  return {
    get: (path, search, asText) => rest.get(path, search, asText).catch(explain),
    text: (path, search) => rest.text(path, search).catch(explain),
    call: (path, method, params, caller) => rest.call(path, method, params, caller).catch(explain),
    has(path, method) {
      const found = findMatch(path);
      return found !== undefined && actionOf(found, method) !== undefined;
    },
  };

  /** Explains errors that are temporary and not the caller's mistake. */
  function explain(error: unknown): never {
    if (error instanceof LeaseLost) throw errors.rejoining(error.lease.name, { cause: error });
    throw explainDatabase(database, error) ?? error;
  }
}

function linesAnswer(plural: string, answer: LinesAnswer, fields: readonly string[] | undefined): RestAnswer {
  if (!fields) return { kind: "lines", plural, ...answer };
  const item = Object.fromEntries(Object.entries(answer.item).filter(([name]) => fields.includes(name)));
  if (!fields.includes(answer.field)) return { kind: "envelope", plural, items: [item], meta: {} };
  return { kind: "lines", plural, ...answer, item };
}

function missing({ resource }: Match, path: readonly string[]) {
  return errors.notFound(`There is no ${resource.name.replaceAll("_", " ")} at ${path.join("/")}.`);
}

function actionOf({ path, resource }: Match, method: string): AnyAction | undefined {
  const actions = actionsOf(resource, path);
  return Object.hasOwn(actions, method) ? actions[method] : undefined;
}
