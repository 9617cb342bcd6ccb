import { countRows } from "@multimaster/database";
import type { AnyResource, Path, ReadContext } from "../model/define-resource.ts";
import type { Query } from "../model/query.ts";
import { conditionsOf } from "./filter-conditions.ts";

/** The list that is counted: without limit and offset. */
export interface CountedList {
  readonly resource: AnyResource;
  readonly context: ReadContext;
  readonly path: Path | undefined;
}

/** Counts a list, not beyond `upTo`; `read` of its rows are known. */
export type CountTotal = (list: CountedList, upTo: number, read: number) => Promise<number>;

/** Counting ten million builds takes longer than showing fifty: a total says no more than "at least so many". */
const maxCounted = 10_000;

export const countTotal: CountTotal = ({ resource, context, path }, upTo) =>
  countRows(
    context.connection,
    { from: resource.from as string, columns: {}, where: conditionsOf(resource, context, path) },
    upTo,
  );

/** How long a list is without limit and offset, given how many rows were read. */
export async function totalOf(
  list: CountedList,
  query: Query,
  rows: number,
  count: CountTotal = countTotal,
): Promise<number> {
  const cut = query.limit !== undefined || query.offset !== undefined;
  // A page that was not filled ends the list, so only full and empty pages need the count.
  const known = rows > 0 && (query.limit === undefined || rows < query.limit);
  const read = rows + (rows > 0 ? (query.offset ?? 0) : 0);
  if (!cut || known || query.countTo === 0) return read;
  // At least one more than was read, if there is one: a client that reads pages up to the total sees that there is more.
  const counted = await count(list, Math.max(query.countTo ?? maxCounted, read + 1), read);
  return Math.max(counted, read);
}
