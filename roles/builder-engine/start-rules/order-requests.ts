import type { RequestRank } from "@multimaster/data";

/** A pending request, as far as its order matters. */
export interface Ordered {
  readonly buildrequestid: number;
  readonly builderid: number;
}

/** Highest priority first, then the oldest. */
export function compareRanks(a: RequestRank, b: RequestRank): number {
  return b.priority - a.priority || a.submittedAt - b.submittedAt || a.buildrequestid - b.buildrequestid;
}

/** All of them, each once; those of `further` that are not among the others come behind these. */
export function joinRequests<R extends Ordered>(requests: readonly R[], further: readonly R[]): R[] {
  const isThere = new Set(requests.map(({ buildrequestid }) => buildrequestid));
  return [...requests, ...further.filter(({ buildrequestid }) => !isThere.has(buildrequestid))];
}

/**
 * Gives the places that a builder's requests have among all to its requests in its own order. So the order of builders stays
 * that of all requests, and within a builder its own order counts.
 */
export function fillPlaces<R extends Ordered>(all: readonly R[], own: ReadonlyMap<number, readonly R[]>): R[] {
  const next = new Map<number, number>();
  const isUsed = new Set<number>();
  const filled = all.flatMap((request) => {
    const list = own.get(request.builderid);
    if (!list) return [request];
    const i = next.get(request.builderid) ?? 0;
    next.set(request.builderid, i + 1);
    const chosen = list[i];
    return chosen ? [chosen] : [];
  });
  return filled.filter(({ buildrequestid }) => !isUsed.has(buildrequestid) && isUsed.add(buildrequestid));
}

/** The requests that a function returned, and those that it left out after them. */
export function completeOrder<R extends Ordered>(requests: readonly R[], ids: readonly number[]): R[] {
  const byId = new Map(requests.map((request) => [request.buildrequestid, request]));
  const chosen = [...new Set(ids)].flatMap((id) => byId.get(id) ?? []);
  const isChosen = new Set(chosen);
  return [...chosen, ...requests.filter((request) => !isChosen.has(request))];
}

/** Requests in the order of their builders, and of each builder in the order given; builders that are not named come last. */
export function orderByBuilder<R extends Ordered>(requests: readonly R[], builderids: readonly number[]): R[] {
  const rank = new Map(builderids.map((id, i) => [id, i]));
  const rankOf = ({ builderid }: R) => rank.get(builderid) ?? builderids.length;
  return requests.toSorted((a, b) => rankOf(a) - rankOf(b));
}

/** The first request of each builder, then the second of each, and so on: builders in the order in which they come first. */
export function interleave<R extends Ordered>(requests: readonly R[]): R[] {
  const count = new Map<number, number>();
  const numbered = requests.map((request) => {
    const nth = count.get(request.builderid) ?? 0;
    count.set(request.builderid, nth + 1);
    return { request, nth };
  });
  return numbered.toSorted((a, b) => a.nth - b.nth).map(({ request }) => request);
}
