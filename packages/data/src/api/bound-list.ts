import { findLeast } from "@multimaster/core";
import type { AnyResource, Field } from "../model/define-resource.ts";
import type { Query } from "../model/query.ts";

/** The number of objects that a list with these fields shows at most; undefined: all. */
export function mostInList(resource: AnyResource, fields: Query["fields"]): number | undefined {
  return findLeast(Object.entries<Field>(resource.fields), ([name, field]) =>
    (fields?.includes(name) ?? true) ? field.mostInList : undefined,
  );
}

/** The query of a list, cut where its fields are too long for all objects: a client requests the others separately. */
export function boundList(resource: AnyResource, query: Query): Query {
  const most = mostInList(resource, query.fields);
  if (most === undefined || (query.limit !== undefined && query.limit <= most)) return query;
  // Asked for all of them, it says exactly how many there are.
  return { ...query, limit: most, ...(query.limit === undefined ? { countTo: Number.MAX_SAFE_INTEGER } : {}) };
}
