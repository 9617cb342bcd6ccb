import {
  branchesOf,
  type Connection,
  newestSuccesses,
  nextBuilds,
  nextRequests,
  type OldBuild,
  oldestOfNewest,
  type RetentionBuilder,
} from "@multimaster/database";
import { fitsRule, horizonOf, type RetentionPlan, type RetentionRule } from "./rules.ts";

/** Rows that one query reads at most. */
const readAtOnce = 500;
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

/** Chooses the old builds of one builder, oldest first, each call a few more. */
export class BuildChooser {
  readonly #task: Task;
  #after: number;
  /** Builds from this one on are among the newest that stay. */
  #below: number | undefined;
  /** For each branch, the success that stays: the newest one known. */
  #successes: Map<string, Success> | undefined;

  constructor(task: Task, after: number) {
    this.#task = task;
    this.#after = after;
  }

  async next(connection: Connection): Promise<Chosen> {
    const { builder, rule, plan, now } = this.#task;
    this.#below ??= await newestKept(connection, this.#task);
    const read = await nextBuilds(connection, { builderid: builder.id, after: this.#after, limit: readAtOnce });
    const horizon = horizonOf(rule, plan, now);
    // Builds of a builder begin in the order of their ids: what follows ended even later.
    const end = read.findIndex((build) => build.started_at > horizon || build.id >= (this.#below as number));
    const old = end === -1 ? read : read.slice(0, end);
    const ended = old.filter((build) => build.complete_at !== null && build.complete_at <= horizon);
    const branches = await readBranches(connection, this.#task, ended);
    const ids: number[] = [];
    for (const build of ended) await this.#judge(connection, build, branches, ids);
    this.#after = read.at(-1)?.id ?? this.#after;
    const isOver = end !== -1 || read.length < readAtOnce;
    return { ids, upTo: isOver ? undefined : this.#after };
  }

  async #judge(
    connection: Connection,
    build: OldBuild,
    branches: Map<number, (string | null)[]>,
    ids: number[],
  ): Promise<void> {
    const { rule, plan } = this.#task;
    const own = branches.get(build.buildsetid) ?? [];
    const fits = build.unneeded === 1 && fitsRule(rule, { results: build.results, branches: own });
    if (build.results !== 0 || !plan.keepLastSuccess) {
      if (fits) ids.push(build.id);
      return;
    }
    this.#successes ??= await readSuccesses(connection, this.#task);
    const key = JSON.stringify(own);
    const latest = this.#successes.get(key);
    if (latest !== undefined && latest.id > build.id) {
      if (fits) ids.push(build.id);
      return;
    }
    if (latest === undefined && this.#successes.size >= maxBranches) return;
    // It supersedes the one that stayed until now, maybe from an earlier call.
    if (latest?.fits) ids.push(latest.id);
    this.#successes.set(key, { id: build.id, fits });
  }
}

interface Success {
  readonly id: number;
  /** The rule takes it as soon as there is a newer one. */
  readonly fits: boolean;
}

/** Chooses requests of one builder that ended without a build, oldest first, each call a few more. */
export class RequestChooser {
  readonly #task: Task;
  #after: number;
  #below: number | undefined;

  constructor(task: Task, after: number) {
    this.#task = task;
    this.#after = after;
  }

  async next(connection: Connection): Promise<Chosen> {
    const { builder, rule, plan, now } = this.#task;
    this.#below ??= await newestKept(connection, this.#task, "requestid");
    const read = await nextRequests(connection, { builderid: builder.id, after: this.#after, limit: readAtOnce });
    const horizon = horizonOf(rule, plan, now);
    const end = read.findIndex((request) => request.started_at > horizon || request.id >= (this.#below as number));
    const old = (end === -1 ? read : read.slice(0, end)).filter(
      ({ unneeded, complete_at }) => unneeded === 1 && complete_at !== null && complete_at <= horizon,
    );
    const branches = await readBranches(connection, this.#task, old);
    const ids = old
      .filter(({ results, buildsetid }) => fitsRule(rule, { results, branches: branches.get(buildsetid) ?? [] }))
      .map(({ id }) => id);
    this.#after = read.at(-1)?.id ?? this.#after;
    return { ids, upTo: end !== -1 || read.length < readAtOnce ? undefined : this.#after };
  }
}

/** The id from which on builds, or their requests, are among the newest that stay. */
async function newestKept(
  connection: Connection,
  { builder, rule }: Task,
  of: "id" | "requestid" = "id",
): Promise<number> {
  if (rule.beyondNewest === undefined) return Number.POSITIVE_INFINITY;
  return (await oldestOfNewest(connection, builder.id, rule.beyondNewest))?.[of] ?? 0;
}

/** The branches of builds, where the rule or the last success asks for them. */
async function readBranches(
  connection: Connection,
  { rule, plan }: Task,
  builds: readonly Pick<OldBuild, "buildsetid">[],
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
