import type { Json } from "@multimaster/core";
import type { Connection, Fragment } from "@multimaster/database";
import { z } from "zod";
import type { Filter } from "./query.ts";
import type { EventFacts, ResourceEvents } from "./resource-events.ts";
import { joinTablesBeside, type TableBeside } from "./table-beside.ts";

/** The state of this master's message bus. */
export interface BusView {
  readonly kind: string;
  readonly state: string;
  readonly degradedSince: number | null;
}

/** Why the database refuses writes, as far as this master knows. */
export interface WritesView {
  readonly refusal: { readonly reason: string; readonly since: number } | undefined;
}

/** The context of one read: the connection, the path's parameters and the query. */
export interface ReadContext {
  readonly connection: Connection;
  /** Path parameters by name, numbers already parsed. */
  readonly params: Readonly<Record<string, string | number>>;
  /** Names given with `property=`; undefined if no properties were asked for. */
  readonly properties: readonly string[] | undefined;
  readonly filters: readonly Filter[];
  /** The kind of path that the API was asked for; absent if a master reads for its own use. Lists shorten long fields. */
  readonly pathKind?: Path["kind"];
  readonly bus?: BusView;
  readonly writes?: WritesView;
  /** For a text: the first line and the number of lines. */
  readonly lines?: { readonly offset: number; readonly limit: number | undefined };
}

/**
 * One field of a noun. With only `sql` it is a column; with `load`, the `sql` is a key by which the values of many rows are
 * fetched in one query; with neither, it is `empty`.
 */
export interface Field<S extends z.core.$ZodType = z.core.$ZodType> {
  readonly schema: S;
  /** SQL expression; a condition if the field is boolean. */
  readonly sql?: string;
  /** Used instead of `sql` in lists: a part of a long text. */
  readonly sqlInLists?: string;
  /** Of a boolean field: the condition for false, if an index serves it better than `not`. */
  readonly whenFalse?: string;
  /** Many rows share a value: rows of several values are read faster in the wanted order than by an index. */
  readonly isShared?: boolean;
  /** Of a list field: the condition "the list contains ?". */
  readonly contains?: string;
  /** Buildbot's masters do not have the field on this noun; all that compares us with them leaves it out. */
  readonly isOwn?: boolean;
  /** A table of our own that `sql` reads, joined by the object's id: see table-beside.ts. */
  readonly beside?: TableBeside;
  /** Converts the driver's value, if the kind of the field is not enough to do so. */
  read?(value: unknown, context: ReadContext): z.output<S>;
  load?(context: ReadContext, keys: readonly number[]): Promise<ReadonlyMap<number, z.output<S>>>;
  /**
   * Of a field with `load`: the same as SQL that makes its JSON text of a key, for a database that writes answers itself
   * (json-rows.ts). Undefined: this read needs `load`.
   */
  json?(context: ReadContext, key: string): Fragment | undefined;
  /** The value when nothing was loaded. */
  readonly empty?: z.output<S>;
  /** How many objects a list shows at most if this field is among those asked for; absent: all. */
  readonly mostInList?: number;
}

/** A stream instead of JSON: logs and build data. */
export interface RawAnswer {
  readonly contentType: string;
  readonly disposition?: string;
  /** Identifies these bytes; present once they no longer change. */
  readonly tag?: string;
  /** The number of bytes; counted if it is not known. */
  size(): Promise<number>;
  readonly body: AsyncIterable<Buffer>;
  /** The bytes from `start`, which is `byte` or shortly before it; absent if they can only be read from the beginning. */
  from?(byte: number): { readonly start: number; readonly body: AsyncIterable<Buffer> };
}

/** An object with one long text, which is read while it is sent. */
export interface LinesAnswer {
  /** The object without that field. */
  readonly item: Readonly<Record<string, Json>>;
  readonly field: string;
  readonly text: AsyncIterable<string>;
}

/** A path of the API where the noun is found. `where` names path parameters as `:name`; `:sha1(name)` binds the hash of one. */
export interface Path<Pattern extends string = string> {
  /** Elements: `n:` decimal integer, `i:` identifier, `s:` or `:` any text. */
  readonly pattern: Pattern;
  readonly kind: "collection" | "single" | "lines" | "raw";
  readonly where?: string;
  /** Makes the objects if they are not rows of a table. Undefined: not found. */
  rows?(context: ReadContext): Promise<readonly object[] | undefined>;
  /** Of a text: its lines, as they are read. Undefined: not found. */
  lines?(context: ReadContext): Promise<LinesAnswer | undefined>;
  /** Of a raw path. Undefined: not found. */
  open?(context: ReadContext): Promise<RawAnswer | undefined>;
}

/** What rules about rights need to know of a noun. */
export interface Rights {
  /** The config's rules can name it; one without this is judged by `*` and `otherwise` alone. */
  readonly isNamed?: boolean;
  /**
   * Nouns that a reader must be allowed to read as well: what this one is part of, and what its objects show of others.
   * Names alone, as in properties, show nothing.
   */
  readonly needs: readonly string[];
}

interface Definition<
  Shape extends z.ZodRawShape,
  Plural extends string,
  Event extends string,
  Facts extends EventFacts<Event>,
  Pattern extends string,
  Topic extends string,
> {
  /** Singular, as application.spec names the type. */
  readonly name: string;
  /** Key of the list in the envelope; what other programs and rules call the noun. */
  readonly plural: Plural;
  readonly id: string;
  /** The SQL from clause, without the tables that fields name themselves (`beside`). Absent: `rows` makes the objects. */
  readonly from?: string;
  readonly fields: { readonly [K in keyof Shape]: Field<Shape[K]> };
  readonly paths: readonly Path<Pattern>[];
  /** Names of fields, `-` for descending; always ends in something unique, so that pages never overlap. */
  readonly order?: readonly string[];
  /** Extra conditions of a filter by a boolean field, by field. */
  readonly filters?: Readonly<Record<string, (value: boolean) => string | undefined>>;
  /** Makes the objects of a resource that is not a table. */
  rows?(context: ReadContext): Promise<readonly z.output<z.ZodObject<NoInfer<Shape>>>[]>;
  /** Listed at the root of the API. */
  readonly rootLink?: boolean;
  readonly events?: ResourceEvents<z.output<z.ZodObject<Shape>>, Event, Facts, Topic>;
  readonly rights: Rights;
}

/** A noun declared once: the row mapper, REST, topic payloads, application.spec and the types all come from it. */
export interface Resource<
  Shape extends z.ZodRawShape = z.ZodRawShape,
  Plural extends string = string,
  Event extends string = string,
  Facts extends EventFacts<Event> = EventFacts<Event>,
  Pattern extends string = string,
  Topic extends string = string,
> extends Definition<Shape, Plural, Event, Facts, Pattern, Topic> {
  readonly schema: z.ZodObject<Shape>;
}

/** A resource whatever its fields and events; their types only matter where the resource is known. */
// biome-ignore lint/suspicious/noExplicitAny: any shape
export type AnyResource = Resource<any>;

/** The object a resource describes. */
export type Item<R extends AnyResource> = z.output<R["schema"]>;

/** Declares a noun. */
export function defineResource<
  const Shape extends z.ZodRawShape,
  const Plural extends string,
  const Event extends string = never,
  const Facts extends EventFacts<Event> = Record<never, never>,
  const Pattern extends string = string,
  const Topic extends string = never,
>(
  definition: Definition<Shape, Plural, Event, Facts, Pattern, Topic>,
): Resource<Shape, Plural, Event, Facts, Pattern, Topic> {
  const shape = Object.fromEntries(
    Object.entries<Field>(definition.fields).map(([name, field]) => [name, field.schema]),
  ) as unknown as Shape;
  const { from, id, fields } = definition;
  const joined =
    from === undefined ? {} : { from: joinTablesBeside(from, id, fields as Readonly<Record<string, Field>>) };
  return { ...definition, ...joined, schema: z.object(shape) as z.ZodObject<Shape> };
}

/** Fields of a resource that is not a table: each has only its schema. */
export function plainFields<Shape extends z.ZodRawShape>(
  shape: Shape,
): { readonly [K in keyof Shape]: Field<Shape[K]> } {
  return Object.fromEntries(Object.entries(shape).map(([name, schema]) => [name, { schema }])) as never;
}
