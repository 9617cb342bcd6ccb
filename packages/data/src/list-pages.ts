import type { Connection } from "@multimaster/database";
import type { AnyResource } from "./define-resource.ts";
import type { Query } from "./query.ts";
import { type Found, findItems, type Place } from "./read-items.ts";

/** Rows that one query of an unlimited list reads: what is in memory, whatever the table's size. */
const pageSize = 1000;

type Page = readonly object[];

/** A list that is longer than one page: the first page is there, the others are read while they are sent. */
export interface LongList {
  readonly total: number;
  readonly pages: AsyncIterable<Page>;
}

/**
 * Reads a list without a limit. Most are short and come whole. Of a long one in the order of its ids each page begins
 * after the last id; in any other order by an offset, which is slower but holds no more in memory.
 */
export async function listPages(
  resource: AnyResource,
  connection: Connection,
  query: Query,
  place: Place,
): Promise<Found<object> | LongList> {
  const first = (await findItems(resource, connection, { ...query, limit: pageSize }, place)) as Found<object>;
  if (first.rows.length < pageSize) return first;
  return { total: first.total, pages: readPages(resource, connection, query, place, first.rows) };
}

async function* readPages(
  resource: AnyResource,
  connection: Connection,
  query: Query,
  place: Place,
  first: Page,
): AsyncGenerator<Page> {
  const next = isByAscendingId(resource, query) ? afterId : afterOffset;
  let read = first.length;
  for (let page = first; page.length > 0; read += page.length) {
    yield page;
    if (page.length < pageSize) return;
    const found = await findItems(resource, connection, next(resource, query, page, read), place);
    page = (found?.rows ?? []) as Page;
  }
}

/** The id must be among the fields that are read, or there is nothing to go on from. */
function isByAscendingId({ id, order }: AnyResource, query: Query): boolean {
  const wanted = query.order ?? order ?? [id];
  return wanted[0] === id && (query.fields?.includes(id) ?? true);
}

function afterId({ id }: AnyResource, query: Query, page: Page): Query {
  const last = (page.at(-1) as Record<string, number>)[id] as number;
  const { offset: _, ...rest } = query;
  return {
    ...rest,
    limit: pageSize,
    filters: [...(query.filters ?? []), { field: id, operator: "gt", values: [last] }],
  };
}

function afterOffset(_resource: AnyResource, query: Query, _page: Page, read: number): Query {
  return { ...query, limit: pageSize, offset: (query.offset ?? 0) + read };
}
