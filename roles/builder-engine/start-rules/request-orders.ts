import { inspect } from "node:util";
import type { BuilderOrder, PendingBuilderFacts, WorkersSlice } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import type { Data, PendingRequest } from "@multimaster/data";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import type { FunctionTable } from "./builder-rules.ts";
import type { GuardedFunction, GuardedFunctions } from "./guarded-function.ts";
import { compareRanks, completeOrder, fillPlaces, interleave, joinRequests, orderByBuilder } from "./order-requests.ts";
import type { RequestFacts } from "./request-facts.ts";

/** Requests of a builder that a function puts in order: those of the highest priority that have waited longest. */
const mostOrdered = 200;
/** Requests of all builders together that are read where the builders have an order of their own. */
const mostOfBuilders = 2000;
const leastOfBuilder = 12;
/** How long a builder waits whose function failed. */
const failedMs = 60_000;

export interface RequestOrdersOptions {
  readonly builders: ReadonlyMap<number, ConfiguredBuilder>;
  readonly builderOrder: WorkersSlice["builderOrder"];
  readonly functions: GuardedFunctions;
  readonly table: FunctionTable;
  readonly facts: RequestFacts;
  readonly data: Data;
  readonly clock: Clock;
}

/** A builder whose order cannot be known: its requests wait. */
export interface FailedOrder {
  readonly builderid: number;
  readonly why: string;
  /** By the clock. */
  readonly until: number;
}

/** In which order pending requests are tried: over all builders, and within a builder. */
export class RequestOrders {
  #options: RequestOrdersOptions;
  #builderOrder: GuardedFunction<Parameters<BuilderOrder>> | undefined;
  #failed = new Map<number, FailedOrder>();
  /** When builders were built last, as this poll has read it; builds that it starts count. */
  #lastBuilds: Map<number, number> | undefined;

  constructor(options: RequestOrdersOptions) {
    this.#options = options;
    const { builderOrder, functions } = options;
    if (typeof builderOrder === "function")
      this.#builderOrder = functions.guard(builderOrder, { owner: "the workers", option: "builderOrder" });
  }

  beginPoll(): void {
    this.#lastBuilds = undefined;
  }

  /** The builder's function has failed, and is not called yet again. */
  failedOf(builderid: number): FailedOrder | undefined {
    const failed = this.#failed.get(builderid);
    if (!failed || failed.until > this.#options.clock.now()) return failed;
    this.#failed.delete(builderid);
    return undefined;
  }

  noteStarted(builderid: number): void {
    this.#lastBuilds?.set(builderid, this.#options.clock.now() / 1000);
  }

  /** Pending requests of these builders, at most about `limit`, and `further` ones, in the order of builders. */
  async read(
    builderids: readonly number[],
    limit: number,
    further: readonly PendingRequest[],
  ): Promise<PendingRequest[]> {
    const { builderOrder, data } = this.#options;
    const { buildrequests } = data.updates;
    if (builderOrder === "oldest request first") {
      const pending = await buildrequests.pending(builderids, limit);
      return further.length === 0 ? pending : joinRequests(pending, further).sort(compareRanks);
    }
    const each = Math.max(leastOfBuilder, Math.min(limit, Math.ceil(mostOfBuilders / builderids.length)));
    const found = joinRequests(await buildrequests.firstOf(builderids, each), further);
    const firsts = new Map(found.toReversed().map((request) => [request.builderid, request]));
    const order = await this.#orderBuilders([...firsts.values()]);
    const ordered = orderByBuilder(found, order);
    return builderOrder === "longest unbuilt first" ? interleave(ordered) : ordered;
  }

  /** Each builder's requests in its own order, on the places that they have among all. `isOut`: it is not tried now. */
  async arrange(found: readonly PendingRequest[], isOut: (id: number) => boolean): Promise<PendingRequest[]> {
    const { builders, table } = this.#options;
    const places = new Map<number, number>();
    for (const { builderid } of found) places.set(builderid, (places.get(builderid) ?? 0) + 1);
    const own = new Map<number, readonly PendingRequest[]>();
    const newest = new Map([...places].filter(([id]) => builders.get(id)?.config.order === "newest first"));
    if (newest.size > 0)
      for (const [id, requests] of await this.#options.data.updates.buildrequests.newestOf(newest))
        own.set(id, requests);
    for (const id of places.keys()) {
      const builder = builders.get(id);
      if (builder && table.of(builder)?.order) own.set(id, await this.#askOrder(builder));
    }
    const kept = own.size === 0 ? found : fillPlaces(found, new Map([...own].map(([id, all]) => [id, all])));
    return kept.filter(({ buildrequestid }) => !isOut(buildrequestid));
  }

  async #askOrder(builder: ConfiguredBuilder): Promise<PendingRequest[]> {
    const { table, facts, data, clock } = this.#options;
    const { builderid } = builder;
    const requests = await data.updates.buildrequests.firstOf([builderid], mostOrdered);
    const shown = await facts.read(requests, builder.name);
    const called = table.of(builder)?.order?.call([shown], (result) => readIds(result, "buildrequestid"));
    if (called?.kind === "returned") return completeOrder(requests, called.value);
    if (called) {
      const until = called.restsUntil ?? clock.now() + failedMs;
      this.#failed.set(builderid, { builderid, why: called.why, until });
    }
    return [];
  }

  /** Ids of builders that have pending requests, of which the first are given. */
  async #orderBuilders(firsts: readonly PendingRequest[]): Promise<number[]> {
    const { builders, data } = this.#options;
    const ids = firsts.map(({ builderid }) => builderid);
    this.#lastBuilds ??= new Map(await data.updates.builders.lastBuilds([...builders.keys()]));
    const lastBuilds = this.#lastBuilds;
    const oldest = firsts.toSorted(compareRanks);
    if (!this.#builderOrder)
      return oldest
        .toSorted((a, b) => (lastBuilds.get(a.builderid) ?? 0) - (lastBuilds.get(b.builderid) ?? 0))
        .map(({ builderid }) => builderid);
    const shown = oldest.flatMap(({ builderid, priority, submittedAt }): PendingBuilderFacts[] => {
      const builder = builders.get(builderid);
      if (!builder) return [];
      const lastBuildAt = lastBuilds.get(builderid) ?? null;
      return [{ name: builder.name, priority, waitsSince: submittedAt, lastBuildAt, running: builder.view().running }];
    });
    const called = this.#builderOrder.call([shown], (result) => readIds(result, "name"));
    // Without an answer they go as without a function: no builder may keep the others waiting.
    if (called.kind === "failed") return oldest.map(({ builderid }) => builderid);
    const byName = new Map(ids.map((id) => [builders.get(id)?.name, id]));
    const chosen = called.value.flatMap((name) => byName.get(name) ?? []);
    return [...new Set([...chosen, ...oldest.map(({ builderid }) => builderid)])];
  }
}

/** What identifies each entry of a list that a function returned; throws if it is no such list. */
function readIds<K extends "buildrequestid" | "name">(result: unknown, key: K): (K extends "name" ? string : number)[] {
  const wanted = key === "name" ? "string" : "number";
  const ids = Array.isArray(result)
    ? result.map((one: unknown) => (one as Record<string, unknown> | null)?.[key])
    : undefined;
  if (ids?.every((id) => typeof id === wanted)) return ids as never;
  throw new Error(
    `it returned ${inspect(result, { depth: 1, maxStringLength: 100 })}, which is no list of what it was given`,
  );
}
