import type { ActionName, ActionParameters, ActionResult } from "../actions/index.ts";
import type { Operator } from "../model/query.ts";
import type { EventNameOf, ItemOf, NounName, PatternOf, TopicPatternOf } from "../resources/registry.ts";

export { looksLikeTrouble } from "./trouble.ts";

/** A field of a noun's objects. */
export type FieldOf<N extends NounName> = keyof ItemOf<N> & string;

/** An object of a noun with these of its fields; without a choice, with all of them. */
export type Row<N extends NounName, F extends FieldOf<N> = FieldOf<N>> = Pick<ItemOf<N>, F>;

type Value = string | number | boolean;

/** Which objects of a noun are wanted, and how. What is undefined is not sent. */
export type Query<N extends NounName, F extends FieldOf<N> = FieldOf<N>> = {
  /** Only these fields. A filter needs its field among them. */
  readonly field?: readonly F[] | undefined;
  /** The first one decides first; `-` means descending. */
  readonly order?: Order<N> | readonly Order<N>[] | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  /** Names of properties to fill in, `*` for all. */
  readonly property?: string | readonly string[] | undefined;
} & Filters<N>;

type Order<N extends NounName> = FieldOf<N> | `-${FieldOf<N>}`;

/** A field, or a field with an operator; several values mean any of them. */
type Filters<N extends NounName> = {
  readonly [K in FieldOf<N> | `${FieldOf<N>}__${Operator}`]?: Value | readonly Value[] | undefined;
};

type FillElement<Element extends string> = Element extends `${"n" | "i" | "s" | ""}:${string}` ? string : Element;

type FillPattern<Pattern extends string> = Pattern extends `${infer Element}/${infer Rest}`
  ? `${FillElement<Element>}/${FillPattern<Rest>}`
  : FillElement<Pattern>;

/** A path at which the API answers a noun; any text can stand for a parameter, which the caller encodes. */
export type PathOf<N extends NounName> = FillPattern<PatternOf<N>>;

/** Ids and numbers stand for the variables of a topic, or `*` for any. */
type FillTopic<Pattern extends string> = Pattern extends `:${string}/${infer Rest}`
  ? `${"*" | number}/${FillTopic<Rest>}`
  : Pattern extends `${infer Element}/${infer Rest}`
    ? `${Element}/${FillTopic<Rest>}`
    : Pattern extends `:${string}`
      ? "*" | `${number}`
      : Pattern;

type TopicOf<N extends NounName> = N extends NounName
  ? `${FillTopic<TopicPatternOf<N>>}/${"*" | EventNameOf<N>}`
  : never;

/** What a client can listen to: a topic that some noun declares, with the name of one of its events or `*` for all of them. */
export type Topic = TopicOf<NounName>;

/** The requested part of a list, and the length of the whole list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly total: number;
}

/** The data API as its clients see it: each read and each action names a noun, from which its types follow. */
export interface Client {
  one<N extends NounName, F extends FieldOf<N> = FieldOf<N>>(
    noun: N,
    path: PathOf<N>,
    query?: Query<N, F>,
  ): Promise<Row<N, F>>;
  list<N extends NounName, F extends FieldOf<N> = FieldOf<N>>(
    noun: N,
    path: PathOf<N>,
    query?: Query<N, F>,
  ): Promise<Page<Row<N, F>>>;
  call<N extends NounName, A extends ActionName<N>>(
    noun: N,
    path: PathOf<N>,
    action: A,
    parameters: ActionParameters<N, A>,
  ): Promise<ActionResult<N, A>>;
}

/** The address of a read below the root of the API. */
export function formatRead(
  path: string,
  query: Readonly<Record<string, Value | readonly Value[] | undefined>> = {},
): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const each of [value ?? []].flat()) search.append(name, String(each));
  return search.size > 0 ? `${path}?${search}` : path;
}

/** Reads the objects out of an answer; undefined if it is no answer about this noun. */
export function readPage<Item>(noun: string, answer: Readonly<Record<string, unknown>>): Page<Item> | undefined {
  const items = answer[noun];
  if (!Array.isArray(items)) return undefined;
  const total = (answer["meta"] as { total?: number } | undefined)?.total ?? items.length;
  return { items, total };
}

/** The body of the request for an action: a JSON-RPC call. */
export function formatCall(action: string, parameters: unknown): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 1, method: action, params: parameters });
}
