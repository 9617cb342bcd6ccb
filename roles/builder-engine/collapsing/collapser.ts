import { isLeaseLoss } from "@multimaster/cluster";
import type { CollapseFunction } from "@multimaster/config";
import { append, type Clock, type Logger } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import type { LoopWatchdog } from "../loop-watchdog.ts";
import { FunctionCollapse } from "./function-collapse.ts";

export interface CollapserOptions {
  readonly builders: ReadonlyMap<number, ConfiguredBuilder>;
  readonly data: Data;
  readonly watchdog: Pick<LoopWatchdog, "enter" | "leave">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Requests that were held back may be claimed now. */
  wake(): void;
}

/** How often all builders are looked at, for requests of which no message came. */
const scanMs = 5000;
/** A request is not held back for longer than this, whatever a function of the config does. */
const longestHoldMs = 12_000;
/** Requests of a builder that are held back at the same time. */
const mostHeld = 50;
/** By then it has been claimed, or is held back for another reason. */
const forgetHoldMs = 300_000;

type Ids = readonly number[];

/**
 * Decides which pending requests of this engine's builders collapse: when a request comes, and again before one is claimed.
 * Functions of the config are asked in the background, so that they hold up the requests of their builder only.
 */
export class Collapser {
  #options: CollapserOptions;
  #dirty = new Set<number>();
  #scannedAt = Number.NEGATIVE_INFINITY;
  /** By builder, what the last scan found of it. */
  #counts = new Map<number, string>();
  /** By builder and request, what compatible requests have in common. */
  #keys = new Map<number, ReadonlyMap<number, string | null>>();
  #byFunction = new Map<number, FunctionCollapse>();
  /** Requests that must not be claimed yet, with their builder. */
  #held = new Map<number, number>();
  /** Since when requests have been held back, with interruptions. */
  #heldSince = new Map<number, number>();
  #ending = new AbortController();

  constructor(options: CollapserOptions) {
    this.#options = options;
  }

  /** A request of this builder has come. */
  note(builderid: number): void {
    this.#dirty.add(builderid);
  }

  /** A request has come of some builder: this process has added it. */
  noteAny(): void {
    this.#scannedAt = Number.NEGATIVE_INFINITY;
  }

  isHeld(buildrequestid: number): boolean {
    const since = this.#heldSince.get(buildrequestid);
    return this.#held.has(buildrequestid) && since !== undefined && this.#options.clock.now() - since <= longestHoldMs;
  }

  /** So many of the builder's requests are held back that no others are tried. */
  isFull(builderid: number): boolean {
    let held = 0;
    for (const [id, of] of this.#held) if (of === builderid && this.isHeld(id)) held += 1;
    return held >= mostHeld;
  }

  get heldCount(): number {
    return this.#held.size;
  }

  /** Collapses what has come since the last poll. */
  async poll(): Promise<void> {
    const collapsing = this.#collapsing();
    const noted = [...this.#dirty];
    this.#dirty.clear();
    if (collapsing.length === 0) return;
    const builderids = (await this.#scan(collapsing)) ?? noted.filter((id) => collapsing.includes(id));
    if (builderids.length > 0) await this.#collapse(await this.#readPending(builderids));
  }

  /**
   * Whether these requests may be claimed now: collapses what can collapse of their builders. Returns those that may not, since
   * they ended, or a function of the config is still asked about them.
   */
  async holdBack(placed: readonly { readonly buildrequestid: number; readonly builder: ConfiguredBuilder }[]) {
    const concerned = placed.filter(({ builder }) => isOn(builder));
    if (concerned.length === 0) return new Set<number>();
    const builderids = [...new Set(concerned.map(({ builder }) => builder.builderid))];
    const ids = concerned.map(({ buildrequestid }) => buildrequestid);
    const ended = new Set(await this.#collapse(await this.#readPending(builderids, ids)));
    const now = this.#options.clock.now();
    for (const { buildrequestid, builder } of concerned) {
      if (!this.#byFunction.get(builder.builderid)?.isAsking || ended.has(buildrequestid)) continue;
      const since = this.#heldSince.get(buildrequestid) ?? now;
      this.#heldSince.set(buildrequestid, since);
      if (now - since > longestHoldMs) continue;
      this.#held.set(buildrequestid, builder.builderid);
      ended.add(buildrequestid);
    }
    return ended;
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await Promise.all([...this.#byFunction.values()].map((one) => one.settled()));
  }

  /** The builders of which something has changed, once in a while; undefined: not now. */
  async #scan(collapsing: Ids): Promise<Ids | undefined> {
    const now = this.#options.clock.now();
    if (now - this.#scannedAt < scanMs) return undefined;
    const counts = await this.#options.data.updates.collapsing.count(collapsing);
    this.#scannedAt = now;
    for (const [id, since] of this.#heldSince) if (now - since > forgetHoldMs) this.#heldSince.delete(id);
    const found = new Map(counts.map(({ builderid, pending, newest }) => [builderid, `${pending} ${newest}`]));
    const changed = [...found].filter(([builderid, count]) => this.#counts.get(builderid) !== count);
    this.#counts = found;
    for (const kept of [this.#keys, this.#byFunction])
      for (const id of kept.keys()) if (!found.has(id) && !this.#byFunction.get(id)?.isAsking) kept.delete(id);
    return changed.map(([builderid]) => builderid);
  }

  #collapsing(): number[] {
    return [...this.#options.builders.values()].filter(isOn).map(({ builderid }) => builderid);
  }

  async #readPending(builderids: Ids, also: Ids = []): Promise<Map<number, number[]>> {
    const rows = await this.#options.data.updates.collapsing.pending(builderids, also);
    const pending = new Map<number, number[]>();
    for (const { builderid, buildrequestid } of rows) put(pending, builderid, buildrequestid);
    return pending;
  }

  /** Returns the requests that ended. */
  async #collapse(pending: ReadonlyMap<number, Ids>): Promise<number[]> {
    const ended: number[] = [];
    for (const [builderid, ids] of pending) {
      const builder = this.#options.builders.get(builderid);
      const { collapseRequests } = builder?.config ?? {};
      if (builder === undefined || !collapseRequests) continue;
      const keys = await this.#readKeys(builderid, ids);
      if (typeof collapseRequests === "function") this.#ask(builder, collapseRequests, ids, keys);
      else append(ended, await this.#collapseAlike(ids, keys));
    }
    return ended;
  }

  async #readKeys(builderid: number, ids: Ids): Promise<ReadonlyMap<number, string | null>> {
    const known = this.#keys.get(builderid) ?? new Map<number, string | null>();
    const unknown = ids.filter((id) => !known.has(id));
    const read = await this.#options.data.updates.collapsing.keys(unknown);
    // Only what is pending is kept.
    const keys = new Map(ids.map((id) => [id, known.get(id) ?? read.get(id) ?? null]));
    this.#keys.set(builderid, keys);
    return keys;
  }

  async #collapseAlike(ids: Ids, keys: ReadonlyMap<number, string | null>): Promise<number[]> {
    const alike = new Map<string, number[]>();
    for (const id of ids) {
      const key = keys.get(id);
      if (key) put(alike, key, id);
    }
    const ended: number[] = [];
    for (const group of alike.values()) {
      const survivor = group.at(-1) as number;
      if (group.length < 2) continue;
      const collapsed = group.filter((id) => id !== survivor);
      append(ended, await this.#options.data.updates.collapsing.collapse({ survivor, collapsed }));
    }
    return ended;
  }

  #ask(builder: ConfiguredBuilder, decide: CollapseFunction, ids: Ids, keys: ReadonlyMap<number, string | null>): void {
    const { builderid } = builder;
    let one = this.#byFunction.get(builderid);
    if (one === undefined) {
      one = new FunctionCollapse({ ...this.#options, builder, decide, signal: this.#ending.signal });
      this.#byFunction.set(builderid, one);
    }
    if (one.isAsking || one.knowsAll(ids)) return;
    void one
      .ask(ids, keys)
      .catch((error: unknown) => this.#explain(builder, error))
      .finally(() => {
        for (const [id, of] of this.#held) if (of === builderid) this.#held.delete(id);
        // Those that came meanwhile.
        this.note(builderid);
        if (!this.#ending.signal.aborted) this.#options.wake();
      });
  }

  #explain({ name }: ConfiguredBuilder, error: unknown): void {
    // Others find the lease lost, or the database away, as well.
    if (isLeaseLoss(error) || this.#ending.signal.aborted) return;
    this.#options.log.warn({ builder: name, err: error }, `the requests of builder "${name}" could not be collapsed`);
  }
}

const isOn = ({ config }: ConfiguredBuilder) => Boolean(config.collapseRequests);

function put<K>(map: Map<K, number[]>, key: K, id: number): void {
  const ids = map.get(key);
  if (ids) ids.push(id);
  else map.set(key, [id]);
}
