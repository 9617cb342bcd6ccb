import type { CollapseFunction, CollapsingRequest } from "@multimaster/config";
import type { Clock, Json, Logger } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import type { LoopWatchdog } from "../loop-watchdog.ts";
import { askCollapse, CollapseProblem, showRequest } from "./ask-collapse.ts";

export interface FunctionCollapseOptions {
  readonly builder: ConfiguredBuilder;
  readonly decide: CollapseFunction;
  readonly data: Data;
  readonly watchdog: Pick<LoopWatchdog, "enter" | "leave">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Requests about which a function is asked: the newest ones of its builder. */
const mostAsked = 100;
/** A function that failed is not asked again for this long. */
const retryMs = 60_000;
/** The same where something else failed. */
const shortRetryMs = 5000;

type Keys = ReadonlyMap<number, string | null>;

interface Pairs {
  readonly requests: ReadonlyMap<number, CollapsingRequest>;
  readonly keys: Keys;
  readonly gone: Set<number>;
}

/** The collapsing of one builder's requests by a function of the config: each pair is asked about once. */
export class FunctionCollapse {
  #options: FunctionCollapseOptions;
  /** Requests of which every pair has been asked about. */
  #judged: ReadonlySet<number> = new Set();
  #asking: Promise<void> | undefined;
  #problem: string | null | undefined;
  #notBefore = 0;

  constructor(options: FunctionCollapseOptions) {
    this.#options = options;
  }

  get isAsking(): boolean {
    return this.#asking !== undefined;
  }

  /** Whether there is nothing to ask, or nothing may be asked now. */
  knowsAll(ids: readonly number[]): boolean {
    return this.#options.clock.now() < this.#notBefore || ids.every((id) => this.#judged.has(id));
  }

  ask(ids: readonly number[], keys: Keys): Promise<void> {
    const asking = this.#askAll(ids, keys).finally(() => {
      this.#asking = undefined;
    });
    this.#asking = asking;
    return asking;
  }

  async settled(): Promise<void> {
    await this.#asking?.catch(() => undefined);
  }

  async #askAll(ids: readonly number[], keys: Keys): Promise<void> {
    const { builder, clock, log } = this.#options;
    try {
      const gone = await this.#collapseByPairs(ids.slice(-mostAsked), keys);
      this.#judged = new Set(ids.filter((id) => !gone.has(id)));
      await this.#show(null);
    } catch (error) {
      const isProblem = error instanceof CollapseProblem;
      this.#notBefore = clock.now() + (isProblem ? retryMs : shortRetryMs);
      if (!isProblem || this.#options.signal.aborted) throw error;
      if (error.message !== this.#problem)
        log.error({ builder: builder.name, err: error.cause ?? error }, `builder "${builder.name}": ${error.message}`);
      await this.#show(error.message);
    }
  }

  /** Writes what others show, when it has changed. */
  async #show(problem: string | null): Promise<void> {
    if (problem === this.#problem) return;
    await this.#options.data.updates.collapsing.setProblem(this.#options.builder.name, problem);
    this.#problem = problem;
  }

  /** Newest first: what a request survives, it has when it is compared with the next one. Returns those that ended. */
  async #collapseByPairs(ids: readonly number[], keys: Keys): Promise<ReadonlySet<number>> {
    const requests = await this.#readRequests(ids);
    const gone = new Set<number>();
    const newestFirst = ids.toReversed();
    for (const [i, newerId] of newestFirst.entries()) {
      if (gone.has(newerId)) continue;
      // A function that answers at once would keep everything else of the engine waiting.
      await new Promise(setImmediate);
      await this.#collapseInto(newerId, newestFirst.slice(i + 1), { requests, keys, gone });
    }
    return gone;
  }

  /** Each property comes of one pair, so a pair with properties is carried out before the next one is asked about. */
  async #collapseInto(newerId: number, olderIds: readonly number[], { requests, keys, gone }: Pairs): Promise<void> {
    let newer = requests.get(newerId);
    let alike: number[] = [];
    for (const olderId of olderIds) {
      const older = requests.get(olderId);
      const isKnown = this.#judged.has(newerId) && this.#judged.has(olderId);
      if (newer === undefined || older === undefined || gone.has(olderId) || isKnown) continue;
      const key = keys.get(newerId) ?? null;
      const answer = await this.#askOne({ newer, older, isCompatible: key !== null && key === keys.get(olderId) });
      if (answer === null) continue;
      if (Object.keys(answer.properties).length === 0) {
        alike.push(olderId);
        continue;
      }
      await this.#carryOut(newerId, alike, {}, gone);
      alike = [];
      if (await this.#carryOut(newerId, [olderId], answer.properties, gone))
        newer = { ...newer, properties: { ...newer.properties, ...answer.properties } };
    }
    await this.#carryOut(newerId, alike, {}, gone);
  }

  /** Whether any of these ended. */
  async #carryOut(
    survivor: number,
    collapsed: readonly number[],
    given: Readonly<Record<string, Json>>,
    gone: Set<number>,
  ): Promise<boolean> {
    if (collapsed.length === 0) return false;
    const properties = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, [value, "Collapse"] as const]),
    );
    const ended = await this.#options.data.updates.collapsing.collapse({ survivor, collapsed, properties });
    for (const id of ended) gone.add(id);
    return ended.length > 0;
  }

  async #readRequests(ids: readonly number[]): Promise<ReadonlyMap<number, CollapsingRequest>> {
    const { builder, data } = this.#options;
    const read = await Promise.all(ids.map((id) => data.updates.buildrequests.details(id)));
    return new Map(
      read.flatMap((details) => (details ? [[details.buildrequestid, showRequest(details, builder.name)]] : [])),
    );
  }

  async #askOne(question: Parameters<CollapseFunction>[0]) {
    const { builder, decide, watchdog } = this.#options;
    const place = { builder: builder.name, step: "collapseRequests", buildid: 0 };
    watchdog.enter(place);
    try {
      return await askCollapse(decide, question, {
        ...this.#options,
        hide: (text) => builder.secrets.hide(text),
      });
    } finally {
      watchdog.leave(place);
    }
  }
}
