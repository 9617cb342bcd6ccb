import { type Json, type Result, Results, resultName, worstResult } from "@multimaster/core";
import type { StepEnd } from "../../define-step.ts";
import type { StepContext, StepItems, TriggeredBuilds, TriggerRequest } from "../../step-context.ts";
import { countResults } from "./count-results.ts";

/** Items whose builds are added in one transaction. */
const batchSize = 50;
/** Items that did not succeed which the step links to; the log has all of them. */
const linkedItems = 50;
/** Time between two states that the step shows. */
const stateEveryMs = 1000;

export interface TriggerItem {
  readonly name: string;
  readonly properties: Readonly<Record<string, Json>>;
  readonly after: readonly string[];
}

type Ordered = Pick<TriggerItem, "name" | "after">;

export interface RunItemsOptions {
  readonly items: readonly TriggerItem[];
  readonly schedulerNames: readonly string[];
  readonly maxInFlight: number;
  readonly relationship: string;
  readonly sourceStamps: TriggerRequest["sourceStamps"];
  /** Of all items; an item's own win. */
  readonly properties: Readonly<Record<string, Json>>;
}

interface ItemEnd {
  readonly results: Result;
  readonly what: string;
  readonly url?: string | undefined;
  /** The build that made it fail. */
  readonly failed?: number | undefined;
}

const isGood = (results: Result) => results === Results.SUCCESS || results === Results.WARNINGS;

function noteOf({ results, what, failed }: ItemEnd): Parameters<StepItems["ended"]>[1] {
  return { results, ...(isGood(results) ? {} : { note: what }), ...(failed === undefined ? {} : { failed }) };
}

/** What is wrong with a list of items; undefined: nothing. */
export function findProblem(items: readonly Ordered[]): string | undefined {
  const names = new Set<string>();
  for (const { name } of items) {
    if (names.has(name)) return `two items are named "${name}"`;
    names.add(name);
  }
  for (const { name, after } of items) {
    const unknown = after.find((other) => !names.has(other));
    if (unknown !== undefined) return `"${name}" comes after "${unknown}", which is no item`;
  }
  return findCircle(items);
}

function findCircle(items: readonly Ordered[]): string | undefined {
  const open = new Map(items.map(({ name, after }) => [name, new Set(after).size]));
  const dependants = listDependants(items);
  const ready = items.filter(({ after }) => after.length === 0).map(({ name }) => name);
  for (let name = ready.pop(); name !== undefined; name = ready.pop()) {
    open.delete(name);
    for (const other of dependants.get(name) ?? []) {
      const left = (open.get(other) ?? 0) - 1;
      open.set(other, left);
      if (left === 0) ready.push(other);
    }
  }
  const [stuck] = open.keys();
  return stuck === undefined ? undefined : `"${stuck}" waits, through other items, for itself`;
}

function listDependants(items: readonly Ordered[]): ReadonlyMap<string, readonly string[]> {
  const dependants = new Map<string, string[]>();
  for (const { name, after } of items)
    for (const other of new Set(after)) {
      const known = dependants.get(other);
      if (known === undefined) dependants.set(other, [name]);
      else known.push(name);
    }
  return dependants;
}

/** Builds items, so many at a time, each after those that it names, and rolls their results up. */
export class ItemRun {
  #ctx: StepContext;
  #options: RunItemsOptions;
  #items: ReadonlyMap<string, TriggerItem>;
  #dependants: ReadonlyMap<string, readonly string[]>;
  /** How many items each one still waits for. */
  #waitsFor: Map<string, number>;
  /** Names, in order. */
  #ready: string[];
  #running = new Set<string>();
  #ends = new Map<string, ItemEnd>();
  /** Where users see what becomes of the items. */
  #shown: StepItems | undefined;
  #failure: { error: unknown } | undefined;
  #wake = () => {};
  #shownAt = 0;

  constructor(ctx: StepContext, options: RunItemsOptions) {
    const { items } = options;
    this.#ctx = ctx;
    this.#options = options;
    this.#items = new Map(items.map((item) => [item.name, item]));
    this.#dependants = listDependants(items);
    this.#waitsFor = new Map(items.map(({ name, after }) => [name, new Set(after).size]));
    this.#ready = items.filter(({ after }) => after.length === 0).map(({ name }) => name);
  }

  async run(): Promise<StepEnd> {
    this.#shown = await this.#ctx.listItems([...this.#items.values()].map(({ name, after }) => ({ name, after })));
    while (this.#ready.length > 0 || this.#running.size > 0) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const free = Math.min(batchSize, this.#options.maxInFlight - this.#running.size);
      const batch = this.#ready.splice(0, Math.max(0, free));
      if (batch.length > 0) await this.#begin(batch);
      else await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#show();
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#rollUp();
  }

  async #begin(batch: readonly string[]): Promise<void> {
    const { schedulerNames, relationship, sourceStamps, properties } = this.#options;
    const requests = batch.flatMap((name) =>
      schedulerNames.map((scheduler) => ({
        scheduler,
        sourceStamps,
        properties: { ...properties, ...this.#items.get(name)?.properties },
        key: name,
      })),
    );
    const triggered = await this.#ctx.trigger(requests, { wait: true, relationship });
    for (const [i, name] of batch.entries()) {
      this.#running.add(name);
      const own = triggered.slice(i * schedulerNames.length, (i + 1) * schedulerNames.length);
      const requests = own.flatMap((one) => one.requests.map(({ buildrequestid }) => buildrequestid));
      this.#shown?.requested(name, requests);
      this.#wait(name, own).catch((error: unknown) => {
        this.#failure ??= { error };
        this.#wake();
      });
    }
  }

  async #wait(name: string, triggered: readonly TriggeredBuilds[]): Promise<void> {
    const ends = await Promise.all(triggered.map((one) => one.finished()));
    const builds = ends.flatMap((end) => end.builds);
    const results = ends.map((end) => end.results).reduce(worstResult, Results.SUCCESS);
    const shown = builds.filter((build) => build.results !== Results.RETRY);
    const what = shown.map(({ builder, number }) => `${builder} #${number}`).join(", ") || "no build";
    const bad = shown.find((build) => build.results === results) ?? shown.at(-1);
    this.#running.delete(name);
    this.#end(name, { results, what, url: bad?.url, ...(isGood(results) ? {} : { failed: bad?.buildid }) });
    this.#wake();
  }

  /** Those that come after a failure are not built, and neither is what comes after them. */
  #end(first: string, firstEnd: ItemEnd): void {
    const ended: [string, ItemEnd][] = [[first, firstEnd]];
    for (let next = ended.pop(); next !== undefined; next = ended.pop()) {
      const [name, end] = next;
      if (this.#ends.has(name)) continue;
      this.#ends.set(name, end);
      this.#shown?.ended(name, noteOf(end));
      for (const other of this.#dependants.get(name) ?? []) {
        if (this.#ends.has(other)) continue;
        if (!isGood(end.results)) {
          ended.push([other, { results: Results.SKIPPED, what: `not built: "${name}" has not succeeded` }]);
          continue;
        }
        const left = (this.#waitsFor.get(other) ?? 1) - 1;
        this.#waitsFor.set(other, left);
        if (left === 0) this.#ready.push(other);
      }
    }
  }

  #show(): void {
    const now = performance.now();
    if (now - this.#shownAt < stateEveryMs) return;
    this.#shownAt = now;
    this.#ctx.setState(`${this.#ends.size} of ${this.#items.size} items done, ${this.#running.size} in flight`);
  }

  async #rollUp(): Promise<StepEnd> {
    await this.#shown?.flush();
    const names = [...this.#items.keys()];
    const ends = names.map((name) => ({ name, ...(this.#ends.get(name) as ItemEnd) }));
    const lines = ends.map(({ name, results, what, url }) =>
      [resultName(results), name, what, ...(url === undefined ? [] : [url])].join("\t"),
    );
    await (await this.#ctx.log("items")).write(lines.length === 0 ? "" : `${lines.join("\n")}\n`);
    const bad = ends.filter(({ results }) => results !== Results.SUCCESS && results !== Results.SKIPPED);
    for (const { name, results, url } of bad.slice(0, linkedItems))
      if (url !== undefined) await this.#ctx.addUrl(`${resultName(results)}: ${name}`, url);
    const results = ends.map((end) => end.results).filter((result) => result !== Results.SKIPPED);
    const count = ends.length === 1 ? "1 item" : `${ends.length} items`;
    return {
      results: results.reduce(worstResult, Results.SUCCESS),
      summary: [count, ...countResults(ends.map((end) => end.results))].join(", "),
    };
  }
}
