import type { Connection } from "@multimaster/database";
import type { AnyResource } from "../model/define-resource.ts";
import type { Found, Query } from "../model/query.ts";
import { findItems, type ReadScope } from "../read/read-items.ts";

/** Rows that one query of an unlimited list reads: no more are in memory. */
export const pageSize = 1000;

type Page = readonly object[];

/** A list that is longer than one page: the first page is there, the others are read while they are sent. */
export interface LongList {
  readonly total: number;
  readonly pages: AsyncIterable<Page>;
}

/**
 * Reads a list without a limit. Most are short and are returned whole. In a long list in the order of its ids, up or down, each page
 * begins after the last id; in any other order it begins at an offset, which is slower.
 */
export async function listPages(
  resource: AnyResource,
  connection: Connection,
  query: Query,
  scope: ReadScope,
): Promise<Found<object> | LongList> {
  // All rows are read, so all may be counted.
  const whole = { ...query, limit: pageSize, countTo: Number.MAX_SAFE_INTEGER };
  const first = (await findItems(resource, connection, whole, scope)) as Found<object>;
  if (first.rows.length < pageSize) return first;
  return { total: first.total, pages: readPages(resource, connection, query, scope, first.rows) };
}

async function* readPages(
  resource: AnyResource,
  connection: Connection,
  query: Query,
  scope: ReadScope,
  first: Page,
): AsyncGenerator<Page> {
  const next = isById(resource, query) ? afterId : afterOffset;
  let read = first.length;
  for (let page = first; page.length > 0; read += page.length) {
    yield page;
    if (page.length < pageSize) return;
    const found = await findItems(resource, connection, { ...next(resource, query, page, read), countTo: 0 }, scope);
    page = (found?.rows ?? []) as Page;
  }
}

/** The id must be among the fields that are read: the next page begins after it. */
function isById(resource: AnyResource, query: Query): boolean {
  const first = majorOrder(resource, query).replace(/^-/, "");
  return first === resource.id && (query.fields?.includes(resource.id) ?? true);
}

const majorOrder = ({ id, order }: AnyResource, query: Query): string => (query.order ?? order ?? [id])[0] ?? id;

function afterId(resource: AnyResource, query: Query, page: Page): Query {
  const { id } = resource;
  const last = (page.at(-1) as Record<string, number>)[id] as number;
  const operator = majorOrder(resource, query).startsWith("-") ? "lt" : "gt";
  const { offset: _, ...rest } = query;
  return {
    ...rest,
    limit: pageSize,
    filters: [...(query.filters ?? []), { field: id, operator, values: [last] }],
  };
}

function afterOffset(_resource: AnyResource, query: Query, _page: Page, read: number): Query {
  return { ...query, limit: pageSize, offset: (query.offset ?? 0) + read };
}
