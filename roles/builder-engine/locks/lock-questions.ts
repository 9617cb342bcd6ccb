import {
  describeIssue,
  findContradiction,
  type LockOptions,
  type LockUseConfig,
  lockUses,
  render,
} from "@multimaster/config";
import { type Clock, FunctionBlocked, waitAtMost } from "@multimaster/core";
import type { Data, RequestDetails, RequestRank } from "@multimaster/data";
import { makeBuildProperties } from "../builds/build-properties.ts";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import { isForkBuild } from "../builds/fork-build.ts";
import { createRenderContext } from "../steps/render-context.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import { findBuilddir } from "../workers/worker-paths.ts";
import { definedLocks } from "./lock-uses.ts";

/** How long a function that names locks may take. */
const answerMs = 5000;
/** How long one is not called that took this time, or that blocked the engine. */
const restMs = 60_000;
/** How long a request may be claimed by an answer: its properties change if others collapse into it. */
const freshMs = 10_000;
/** How long, and how many, answers are remembered, so that requests whose locks are taken are not asked about again. */
const rememberedMs = 600_000;
const mostRemembered = 100_000;
/** How long one poll waits for answers: most functions answer immediately, and a request then keeps its place. */
const graceMs = 200;
/** Questions that may be open at the same time. */
const most = { ofBuilder: 10, all: 50 };

/** A request with the place where its build is to start. */
export interface PlacedForLocks extends RequestRank {
  readonly builder: ConfiguredBuilder;
  readonly worker: AttachedWorker;
}

/** A function of a builder that is not called before that time, and why. */
export interface Resting {
  readonly why: string;
  /** By the clock. */
  readonly until: number;
}

/** The locks of a build; `problem`: why they cannot be known. */
export interface NamedLocks {
  readonly kind: "named";
  readonly uses: readonly LockUseConfig[];
  readonly problem?: string;
}

/** What is known of a request's locks now. */
export type LockAnswer = NamedLocks | { readonly kind: "asking" } | { readonly kind: "rests"; readonly rests: Resting };

interface Known {
  readonly answer: NamedLocks;
  readonly builder: ConfiguredBuilder;
  /** By the clock. */
  readonly since: number;
}

/** What identifies an answer: that of a function which has not read anything of the worker counts on each worker. */
const keyOf = (buildrequestid: number, workerName = "") => `${buildrequestid} ${workerName}`;
const keyOfPair = ({ buildrequestid, worker }: PlacedForLocks) => keyOf(buildrequestid, worker.name);

export interface LockQuestionsOptions {
  readonly data: Data;
  readonly clock: Clock;
  readonly builders: ReadonlyMap<number, ConfiguredBuilder>;
  readonly workers: { readonly all: readonly AttachedWorker[] };
  onAnswer(): void;
}

/** Asks the functions that name the locks of builds, beside the distributor: one that hangs delays only requests of its builder. */
export class LockQuestions {
  #data: Data;
  #clock: Clock;
  #onAnswer: () => void;
  #workers: () => readonly AttachedWorker[];
  #builders: ReadonlyMap<number, ConfiguredBuilder>;
  /** What the builders say without functions, by the names of the locks; read once in a poll. */
  #defined: ReadonlyMap<string, LockOptions> | undefined;
  /** The longest remembered come first. */
  #known = new Map<string, Known>();
  /** Requests whose answers came too late for the poll that asked. */
  #late = new Set<number>();
  #open = new Map<string, { readonly builderid: number; readonly asking: Promise<void> }>();
  /** Functions that are not called now, by builder. */
  #resting = new Map<number, Resting>();
  /** What is left of the grace of this poll. */
  #graceMs = graceMs;

  /** `onAnswer`: the distributor may know more now. */
  constructor({ data, clock, builders, workers, onAnswer }: LockQuestionsOptions) {
    this.#data = data;
    this.#builders = builders;
    this.#workers = () => workers.all;
    this.#clock = clock;
    this.#onAnswer = onAnswer;
  }

  beginPoll(): void {
    this.#graceMs = graceMs;
    this.#defined = undefined;
    const now = this.#clock.now();
    for (const [key, { since }] of this.#known) {
      if (since + rememberedMs > now && this.#known.size <= mostRemembered) break;
      this.#known.delete(key);
    }
  }

  /** Requests whose answers came too late for the poll that asked. */
  takeLate(): number[] {
    const late = [...this.#late];
    this.#late.clear();
    return late;
  }

  /** Asks about those of which nothing is known; returns after a short time, whether or not there are answers. */
  async ask(placed: readonly PlacedForLocks[]): Promise<void> {
    const open = placed.flatMap((one) => this.#open.get(keyOfPair(one)) ?? this.#begin(one) ?? []);
    if (open.length === 0 || this.#graceMs <= 0) return;
    const begun = performance.now();
    await waitAtMost(
      this.#clock,
      this.#graceMs,
      Promise.all(open.map(({ asking }) => asking)).then(() => true),
    );
    this.#graceMs -= performance.now() - begun;
  }

  find(placed: PlacedForLocks): LockAnswer {
    const known = this.#recall(placed.builder, placed.buildrequestid, placed.worker.name);
    if (known && known.since + freshMs > this.#clock.now()) {
      this.#late.delete(placed.buildrequestid);
      return known.answer;
    }
    const rests = this.#restOf(placed.builder);
    return rests ? { kind: "rests", rests } : { kind: "asking" };
  }

  /** What the function has answered some time ago: on this worker, or (without one) whatever the worker. */
  remembered(builder: ConfiguredBuilder, buildrequestid: number, workerName?: string): NamedLocks | undefined {
    return this.#recall(builder, buildrequestid, workerName)?.answer;
  }

  #recall(builder: ConfiguredBuilder, buildrequestid: number, workerName?: string): Known | undefined {
    const known =
      this.#known.get(keyOf(buildrequestid)) ??
      (workerName === undefined ? undefined : this.#known.get(keyOf(buildrequestid, workerName)));
    return known?.builder === builder ? known : undefined;
  }

  /** Its build begins: should it be built again, the function is asked again. */
  forget(placed: PlacedForLocks): void {
    this.#known.delete(keyOf(placed.buildrequestid));
    this.#known.delete(keyOfPair(placed));
  }

  /** Resolves when no function is being asked: each ends in time. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all([...this.#open.values()].map(({ asking }) => asking));
  }

  #restOf({ builderid }: ConfiguredBuilder): Resting | undefined {
    const rests = this.#resting.get(builderid);
    return rests && rests.until > this.#clock.now() ? rests : undefined;
  }

  /** Undefined: an answer is known, or it is not asked now. */
  #begin(placed: PlacedForLocks) {
    if (this.find(placed).kind !== "asking" || this.#open.size >= most.all) return undefined;
    const { builderid } = placed.builder;
    const ofBuilder = [...this.#open.values()].filter((one) => one.builderid === builderid);
    if (ofBuilder.length >= most.ofBuilder) return undefined;
    const key = keyOfPair(placed);
    const asking = this.#render(placed).then(
      (rendered) => {
        this.#open.delete(key);
        if (rendered) this.#remember(placed, rendered);
        this.#onAnswer();
      },
      // The request cannot be read: the next poll asks again, and the watch of the database logs it.
      () => void this.#open.delete(key),
    );
    const question = { builderid, asking };
    this.#open.set(key, question);
    return question;
  }

  #remember(placed: PlacedForLocks, { answer, isOfWorker }: Rendered): void {
    this.forget(placed);
    const key = isOfWorker ? keyOfPair(placed) : keyOf(placed.buildrequestid);
    this.#known.set(key, { answer, builder: placed.builder, since: this.#clock.now() });
    this.#late.add(placed.buildrequestid);
  }

  #definedLocks(): ReadonlyMap<string, LockOptions> {
    return (this.#defined ??= definedLocks(this.#builders));
  }

  /** Undefined: another question has found meanwhile that the function does not answer; this request waits. */
  async #render(placed: PlacedForLocks): Promise<Rendered | undefined> {
    const { builder, buildrequestid } = placed;
    const request = await this.#data.updates.buildrequests.details(buildrequestid);
    if (!request) return { answer: { kind: "named", uses: [] }, isOfWorker: true };
    if (this.#restOf(builder)) return undefined;
    let isOfWorker = false;
    const onOfWorker = () => (isOfWorker = true);
    try {
      const rendering = render(builder.config.locks, createContext(placed, request, this.#workers(), onOfWorker));
      const rendered = await waitAtMost(this.#clock, answerMs, rendering);
      if (rendered === undefined) throw new NoAnswer(`the function did not answer within ${answerMs / 1000} s`);
      const uses = readUses(rendered);
      const problem = findContradiction(uses, this.#definedLocks());
      if (problem !== undefined) throw new Error(problem);
      return { answer: { kind: "named", uses }, isOfWorker };
    } catch (error) {
      const why = builder.secrets.hide(error instanceof Error ? error.message : String(error));
      if (error instanceof FunctionBlocked || error instanceof NoAnswer) {
        // One build shows it; the others wait.
        if (this.#restOf(builder)) return undefined;
        this.#resting.set(builder.builderid, {
          why: `the function failed: ${why}`,
          until: this.#clock.now() + restMs,
        });
      }
      const problem = `The builder's "locks" could not be rendered: ${why}`;
      return { answer: { kind: "named", uses: [], problem }, isOfWorker };
    }
  }
}

interface Rendered {
  readonly answer: NamedLocks;
  /** The function has read something of the worker: on another one it may answer otherwise. */
  readonly isOfWorker: boolean;
}

class NoAnswer extends Error {}

/** What a function returned. Throws what would be right. */
function readUses(rendered: unknown): readonly LockUseConfig[] {
  const { success, data, error } = lockUses.safeParse(rendered);
  if (success) return data;
  throw new Error(error.issues.flatMap((issue) => describeIssue(issue, lockUses, rendered)).join("; "));
}

/** What the function of a builder's locks sees: the build has no row yet, so its ids are 0. `onOfWorker`: it reads what depends on the worker. */
function createContext(
  { builder, worker }: PlacedForLocks,
  request: RequestDetails,
  workers: readonly AttachedWorker[],
  onOfWorker: () => void,
) {
  const { config, builderid, name } = builder;
  const properties = makeBuildProperties({
    request,
    builder: { builderid, name, properties: config.properties },
    worker: { name: worker.name, basedir: worker.info.basedir, properties: worker.config.properties },
    buildNumber: 0,
    builddir: findBuilddir(worker.info, config),
  });
  const { buildrequestid, sourceStamps } = request;
  const isOfWorker = (name: string) =>
    properties.source(name) === "Worker" || workers.some(({ config }) => Object.hasOwn(config.properties, name));
  const context = createRenderContext({
    properties,
    secrets: isForkBuild(request) ? builder.secrets.forFork(config.secretsForForks) : builder.secrets.forBuild(),
    build: { buildid: 0, buildrequestid, number: 0, sources: sourceStamps },
  });
  return {
    ...context,
    property(name: string) {
      if (isOfWorker(name)) onOfWorker();
      return context.property(name);
    },
  };
}
