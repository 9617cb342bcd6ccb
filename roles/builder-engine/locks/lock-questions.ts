import { describeIssue, type LockUseConfig, lockUses, render } from "@multimaster/config";
import { type Clock, FunctionBlocked, waitAtMost } from "@multimaster/core";
import type { Data, RequestDetails } from "@multimaster/data";
import { makeBuildProperties } from "../builds/build-properties.ts";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import { isForkBuild } from "../builds/fork-build.ts";
import { createRenderContext } from "../steps/render-context.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import { findBuilddir } from "../workers/worker-paths.ts";

/** How long a function that names locks may take. */
const answerMs = 5000;
/** How long one is not called that took this time, or that blocked the engine. */
const restMs = 60_000;
/** How long an answer counts that has not been used. */
const knownMs = 10_000;
/** How long one poll waits for answers: most functions answer immediately, and a request then keeps its place. */
const graceMs = 200;
/** Questions that may be open at the same time. */
const most = { ofBuilder: 10, all: 50 };

/** A request with the place where its build is to start. */
export interface PlacedForLocks {
  readonly buildrequestid: number;
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
  readonly until: number;
}

const keyOf = ({ buildrequestid, worker }: PlacedForLocks) => `${buildrequestid} ${worker.workerid}`;

/** Asks the functions that name the locks of builds, beside the distributor: one that hangs delays only requests of its builder. */
export class LockQuestions {
  #data: Data;
  #clock: Clock;
  #onAnswer: () => void;
  #known = new Map<string, Known>();
  #open = new Map<string, { readonly builderid: number; readonly asking: Promise<void> }>();
  /** Functions that are not called now, by builder. */
  #resting = new Map<number, Resting>();
  /** What is left of the grace of this poll. */
  #graceMs = graceMs;

  /** `onAnswer`: the distributor may know more now. */
  constructor({ data, clock, onAnswer }: { readonly data: Data; readonly clock: Clock; onAnswer(): void }) {
    this.#data = data;
    this.#clock = clock;
    this.#onAnswer = onAnswer;
  }

  beginPoll(): void {
    this.#graceMs = graceMs;
    const now = this.#clock.now();
    for (const [key, { until }] of this.#known) if (until <= now) this.#known.delete(key);
  }

  /** Asks about those of which nothing is known; returns after a short time, whether or not there are answers. */
  async ask(placed: readonly PlacedForLocks[]): Promise<void> {
    const open = placed.flatMap((one) => this.#open.get(keyOf(one)) ?? this.#begin(one) ?? []);
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
    const known = this.#known.get(keyOf(placed));
    if (known?.builder === placed.builder) return known.answer;
    const rests = this.#restOf(placed.builder);
    return rests ? { kind: "rests", rests } : { kind: "asking" };
  }

  /** Its build begins: should it be built again, the function is asked again. */
  forget(placed: PlacedForLocks): void {
    this.#known.delete(keyOf(placed));
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
    const key = keyOf(placed);
    const asking = this.#render(placed).then(
      (answer) => {
        this.#open.delete(key);
        if (answer) this.#known.set(key, { answer, builder: placed.builder, until: this.#clock.now() + knownMs });
        this.#onAnswer();
      },
      // The request cannot be read: the next poll asks again, and the watch of the database logs it.
      () => void this.#open.delete(key),
    );
    const question = { builderid, asking };
    this.#open.set(key, question);
    return question;
  }

  /** Undefined: another question has found meanwhile that the function does not answer; this request waits. */
  async #render(placed: PlacedForLocks): Promise<NamedLocks | undefined> {
    const { builder, buildrequestid } = placed;
    const request = await this.#data.updates.buildrequests.details(buildrequestid);
    if (!request) return { kind: "named", uses: [] };
    if (this.#restOf(builder)) return undefined;
    try {
      const rendering = render(builder.config.locks, createContext(placed, request));
      const rendered = await waitAtMost(this.#clock, answerMs, rendering);
      if (rendered === undefined) throw new NoAnswer(`the function did not answer within ${answerMs / 1000} s`);
      return { kind: "named", uses: readUses(rendered) };
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
      return { kind: "named", uses: [], problem: `The builder's "locks" could not be rendered: ${why}` };
    }
  }
}

class NoAnswer extends Error {}

/** What a function returned. Throws what would be right. */
function readUses(rendered: unknown): readonly LockUseConfig[] {
  const { success, data, error } = lockUses.safeParse(rendered);
  if (success) return data;
  throw new Error(error.issues.flatMap((issue) => describeIssue(issue, lockUses, rendered)).join("; "));
}

/** What the function of a builder's locks sees: the build has no row yet, so its ids are 0. */
function createContext({ builder, worker }: PlacedForLocks, request: RequestDetails) {
  const { config, builderid, name } = builder;
  const properties = makeBuildProperties({
    request,
    builder: { builderid, name, properties: config.properties },
    worker: { name: worker.name, basedir: worker.info.basedir, properties: worker.config.properties },
    buildNumber: 0,
    builddir: findBuilddir(worker.info, config),
  });
  const { buildrequestid, sourceStamps } = request;
  return createRenderContext({
    properties,
    secrets: isForkBuild(request) ? builder.secrets.forFork(config.secretsForForks) : builder.secrets.forBuild(),
    build: { buildid: 0, buildrequestid, number: 0, sources: sourceStamps },
  });
}
