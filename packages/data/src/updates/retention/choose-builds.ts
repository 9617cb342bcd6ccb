import {
  type AgedRow,
  branchesOf,
  buildsWithTests,
  buildsWithText,
  type Connection,
  type Need,
  needOfBuilds,
  needOfRequests,
  newestSuccesses,
  nextBuilds,
  nextRequests,
  oldestOfNewest,
  type RetentionBuilder,
} from "@multimaster/database";
import { fitsBranches, fitsResults, horizonOf, type RetentionPlan, type RetentionRule } from "./rules.ts";
import { type Settled, skewSeconds } from "./settled-parts.ts";

/** Rows that one query reads at most: most builders have few that are old enough, and SQLite answers in the event loop. */
const readAtOnce = { first: 20, later: 100 };
/** Among so many newest builds of a builder, successes show which branches have newer ones. */
const searched = 500;
/** Branches of a builder whose latest success is remembered; the success of any further branch stays. */
const maxBranches = 20_000;

/** What a part of a rule's work is about. */
export interface Task {
  readonly rule: RetentionRule;
  readonly plan: RetentionPlan;
  readonly builder: RetentionBuilder;
  /** The database's clock when the run began, in seconds. */
  readonly now: number;
}

/** Builds that a rule takes, after the reading of some; `upTo` is the last that was read, undefined at the end. */
export interface Chosen {
  readonly ids: readonly number[];
  readonly upTo: number | undefined;
}

/** What a rule for builds deletes of a builder: its builds; then its requests that ended without one. */
const kinds = {
  builds: { next: nextBuilds, need: needOfBuilds, below: "id" },
  requests: { next: nextRequests, need: needOfRequests, below: "requestid" },
} as const;

/** Chooses the old builds of one builder, or its old requests without builds, oldest first, each call a few more. */
export class Chooser {
  readonly #task: Task;
  readonly #kind: (typeof kinds)[keyof typeof kinds];
  readonly #horizon: number;
  #after: number;
  #limit = readAtOnce.first;
  /** Those from this one on are among the newest that stay. */
  #below: number | undefined;
  /** For each branch, the success that stays: the newest one known. */
  #successes: Map<string, Success> | undefined;
  /** The first one that is not old enough, or has nothing newer behind it: the next run begins here. */
  #firstOpen = Number.POSITIVE_INFINITY;
  #quietUntil = Number.POSITIVE_INFINITY;
  #newest: number | undefined;
  #hasNeeded = false;

  constructor(task: Task, kind: keyof typeof kinds, after: number) {
    this.#task = task;
    this.#kind = kinds[kind];
    this.#after = after;
    this.#horizon = horizonOf(task.rule, task.plan, task.now);
  }

  /** What is known once the last call has returned. */
  get settled(): Settled {
    const after = Math.min(this.#after, this.#firstOpen - 1);
    return { after, quietUntil: this.#quietUntil, newest: this.#newest, hasNeeded: this.#hasNeeded };
  }

  async next(connection: Connection): Promise<Chosen> {
    const { builder, rule } = this.#task;
    this.#below ??= await newestKept(connection, this.#task, this.#kind.below);
    const below = this.#below;
    const limit = this.#limit;
    this.#limit = readAtOnce.later;
    const read = await this.#kind.next(connection, { builderid: builder.id, after: this.#after, limit });
    // Builds of a builder begin in the order of their ids: what follows ended even later.
    const end = read.findIndex(({ id, started_at }) => started_at > this.#horizon || id >= below);
    const old = end === -1 ? read : read.slice(0, end);
    const ended = old.filter((row) => this.#isOld(row));
    this.#noteEnd(end === -1 ? undefined : read[end], end === -1 && read.length < limit);
    const ids = await this.#choose(
      connection,
      ended.filter(({ built, results }) => built === 0 && fitsResults(rule, results)),
    );
    this.#after = old.at(-1)?.id ?? this.#after;
    return { ids, upTo: end !== -1 || read.length < limit ? undefined : this.#after };
  }

  /** Whether it ended long enough ago; if not, when it will have, at the earliest. */
  #isOld({ id, complete_at }: AgedRow): boolean {
    if (complete_at !== null && complete_at <= this.#horizon) return true;
    this.#firstOpen = Math.min(this.#firstOpen, id);
    this.#quietAtMost(complete_at ?? this.#task.now - skewSeconds);
    return false;
  }

  #noteEnd(end: AgedRow | undefined, isAllRead: boolean): void {
    if (isAllRead) this.#quietAtMost(this.#task.now - skewSeconds);
    if (!end) return;
    if (end.started_at > this.#horizon) this.#quietAtMost(end.started_at);
    else this.#newest = this.#task.builder.newest;
  }

  #quietAtMost(second: number): void {
    this.#quietUntil = Math.min(this.#quietUntil, second);
  }

  async #choose(connection: Connection, rows: readonly AgedRow[]): Promise<number[]> {
    const ids: number[] = [];
    const left = await withSomethingLeft(
      connection,
      this.#task.rule,
      rows.map(({ id }) => id),
    );
    if (left.length === 0) return ids;
    const needs = await this.#kind.need(connection, left);
    const branches = await readBranches(connection, this.#task, needs);
    const results = new Map(rows.map((row) => [row.id, row.results]));
    for (const need of needs) {
      const own = branches.get(need.buildsetid) ?? [];
      const fits = this.#takes(need, own);
      if (results.get(need.id) !== 0 || !this.#task.plan.keepLastSuccess || this.#kind !== kinds.builds) {
        if (fits) ids.push(need.id);
      } else await this.#judgeSuccess(connection, { id: need.id, fits }, JSON.stringify(own), ids);
    }
    return ids;
  }

  /** Whether the rule takes it and nothing needs it. */
  #takes({ id, unneeded, kept }: Need, branches: readonly (string | null)[]): boolean {
    if (!fitsBranches(this.#task.rule, branches)) return false;
    if (unneeded === 1) return true;
    if (this.#kind === kinds.builds && id === this.#task.builder.newest) {
      this.#newest = id;
      this.#firstOpen = Math.min(this.#firstOpen, id);
    } else if (kept === 0) this.#hasNeeded = true;
    return false;
  }

  async #judgeSuccess(connection: Connection, own: Success, branch: string, ids: number[]): Promise<void> {
    this.#successes ??= await readSuccesses(connection, this.#task);
    const latest = this.#successes.get(branch);
    if (latest !== undefined && latest.id > own.id) {
      if (own.fits) ids.push(own.id);
      return;
    }
    if (latest === undefined && this.#successes.size >= maxBranches) return;
    // It supersedes the one that stayed until now, maybe from an earlier call.
    if (latest?.fits) ids.push(latest.id);
    this.#successes.set(branch, own);
  }
}

interface Success {
  readonly id: number;
  /** The rule takes it as soon as there is a newer one. */
  readonly fits: boolean;
}

/** Of old builds, those of which the rule can still delete something: most logs were deleted by earlier runs. */
async function withSomethingLeft(
  connection: Connection,
  rule: RetentionRule,
  ids: readonly number[],
): Promise<readonly number[]> {
  if (ids.length === 0) return ids;
  if (rule.delete === "logs") return buildsWithText(connection, ids);
  return rule.delete === "test results" ? buildsWithTests(connection, ids) : ids;
}

/** The id from which on builds, or their requests, are among the newest that stay. */
async function newestKept(connection: Connection, { builder, rule }: Task, of: "id" | "requestid"): Promise<number> {
  if (rule.beyondNewest === undefined) return Number.POSITIVE_INFINITY;
  return (await oldestOfNewest(connection, builder.id, rule.beyondNewest))?.[of] ?? 0;
}

/** The branches of builds, where the rule or the last success asks for them. */
async function readBranches(
  connection: Connection,
  { rule, plan }: Task,
  builds: readonly { readonly buildsetid: number }[],
): Promise<Map<number, (string | null)[]>> {
  if (builds.length === 0 || (rule.branches === undefined && !plan.keepLastSuccess)) return new Map();
  const found = await branchesOf(connection, [...new Set(builds.map(({ buildsetid }) => buildsetid))]);
  return new Map([...found].map(([id, branches]) => [id, branches.map(({ branch }) => branch)]));
}

/** For each branch of the newest builds, its latest success: builds before it need not stay. */
async function readSuccesses(connection: Connection, task: Task): Promise<Map<string, Success>> {
  const newest = await newestSuccesses(connection, task.builder.id, searched);
  const branches = await readBranches(connection, task, newest);
  const found = new Map<string, Success>();
  for (const { id, buildsetid } of newest) {
    const key = JSON.stringify(branches.get(buildsetid) ?? []);
    if (!found.has(key)) found.set(key, { id, fits: false });
  }
  return found;
}
