import type { PendingRequestFacts, WorkersSlice } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import type { Data, PendingRequest } from "@multimaster/data";
import type { KeptFor, PairObstacle, PlaceableBuilder, WorkerView } from "@multimaster/placement";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import type { AttachedWorker, AttachedWorkers } from "../workers/attached-worker.ts";
import { type BuilderRules, FunctionTable } from "./builder-rules.ts";
import type { GuardedFunctions } from "./guarded-function.ts";
import { joinRequests } from "./order-requests.ts";
import { RefusalRows } from "./refusal-rows.ts";
import { describeWorker, RequestFacts } from "./request-facts.ts";
import { RequestOrders } from "./request-orders.ts";
import { type Answer, failedAnswer, readAnswer } from "./start-answers.ts";
import { StartQuestions } from "./start-questions.ts";

export interface StartRulesOptions {
  /** Filled when the builders' rows are made. */
  readonly builders: ReadonlyMap<number, ConfiguredBuilder>;
  readonly config: Pick<WorkersSlice, "builderOrder" | "workers">;
  readonly workers: AttachedWorkers;
  readonly functions: GuardedFunctions;
  readonly data: Data;
  readonly clock: Clock;
  /** A function has answered: a request may start now. */
  onAnswer(): void;
}

interface Asked {
  readonly buildrequestid: number;
  readonly builder: ConfiguredBuilder;
  readonly worker: AttachedWorker;
}

/** Requests that one poll looks past because functions refuse them: of one builder, and of all together. */
const mostRefused = { ofBuilder: 100, all: 2000, least: 10 };
/** How long functions may take together in one placement, during which the engine does nothing else. */
const placementMs = 500;
/** Answers of workers' functions that are remembered. */
const mostAccepts = 20_000;

/** Why a request is not placed while nothing is known of it yet; it gets no row. */
const notYet: PairObstacle = { kind: "refused", why: "it is being asked" };

/**
 * What the config says of who goes first and where: orders pending requests, and asks the config's functions whether a
 * request may start on a worker. It remembers what a poll has found, and publishes it for those who ask why a request waits.
 */
export class StartRules {
  #options: StartRulesOptions;
  #table: FunctionTable;
  #orders: RequestOrders;
  #facts: RequestFacts;
  #questions: StartQuestions;
  #rows: RefusalRows;
  /** Of the requests that are placed now. */
  #shown = new Map<number, PendingRequestFacts>();
  #accepted = new Map<string, Answer>();
  /** How long functions have taken in this placement. */
  #spentMs = 0;
  /** Requests that the placement in progress has found refused somewhere. */
  #touched = new Set<number>();
  /** Requests that no worker may take, in this poll. */
  #refused = new Set<number>();
  #refusedOf = new Map<number, number>();
  /** Builders whose requests were looked at in this poll. */
  #considered = new Set<number>();

  constructor(options: StartRulesOptions) {
    const { builders, config, functions, data, clock, onAnswer } = options;
    this.#options = options;
    this.#table = new FunctionTable(functions, config.workers);
    this.#facts = new RequestFacts(data);
    this.#orders = new RequestOrders({
      builders,
      builderOrder: config.builderOrder,
      functions,
      table: this.#table,
      facts: this.#facts,
      data,
      clock,
    });
    this.#questions = new StartQuestions(clock, onAnswer);
    this.#rows = new RefusalRows(data);
  }

  beginPoll(): void {
    this.#orders.beginPoll();
    this.#questions.prune();
    this.#rows.begin();
    this.#refused.clear();
    this.#refusedOf.clear();
    this.#considered.clear();
  }

  async endPoll(): Promise<void> {
    await this.#rows.publish(this.#considered, this.#options.clock.now() / 1000);
  }

  /** Resolves when no function is being asked. */
  settled(): Promise<void> {
    return this.#questions.settled();
  }

  /** Grows with what this poll finds refused: then requests behind are worth trying. */
  get findings(): number {
    return this.#refused.size;
  }

  /** Requests of other builders are not read again: how many more have to be read to get past those that are refused. */
  get refusedCount(): number {
    let count = 0;
    for (const [builderid, refused] of this.#refusedOf) if (!this.isHeld(builderid)) count += refused;
    return count;
  }

  /** Whether requests of the builder are not read any more in this poll. */
  isHeld(builderid: number): boolean {
    const { builders } = this.#options;
    const allowed = Math.max(mostRefused.least, Math.floor(mostRefused.all / Math.max(1, builders.size)));
    if ((this.#refusedOf.get(builderid) ?? 0) >= Math.min(mostRefused.ofBuilder, allowed)) return true;
    const failed = this.#orders.failedOf(builderid);
    if (failed) this.#noteFailedOrder(builderid);
    return failed !== undefined;
  }

  /** As placement sees it, with what the config's functions say. */
  view(builder: ConfiguredBuilder, base: PlaceableBuilder): PlaceableBuilder {
    const rules = this.#table.of(builder);
    if (!rules) return base;
    return {
      ...base,
      refusesRequest: (worker, requestId) =>
        base.refusesRequest?.(worker, requestId) ?? this.#judge(builder, rules, worker, requestId),
      ...(rules.nextWorker ? { choose: (workers, requestId) => this.#choose(builder, rules, workers, requestId) } : {}),
    };
  }

  /** Pending requests of these builders in the order in which they are tried, at most about `limit`, and `further` ones. */
  async findPending(
    builderids: readonly number[],
    limit: number,
    further: readonly PendingRequest[],
  ): Promise<PendingRequest[]> {
    for (const id of builderids) this.#considered.add(id);
    for (const { builderid } of further) this.#considered.add(builderid);
    const isOut = (id: number) => this.#refused.has(id);
    const arranged = await this.#orders.arrange(await this.#orders.read(builderids, limit, further), isOut);
    // An order of a builder covers only its first requests.
    const left = further.filter(({ buildrequestid }) => !isOut(buildrequestid));
    return this.prepare(joinRequests(arranged, left));
  }

  /** Reads what functions see of these requests. */
  async prepare<R extends PendingRequest>(requests: R[]): Promise<R[]> {
    const { builders } = this.#options;
    this.#shown.clear();
    this.#touched.clear();
    this.#spentMs = 0;
    const asked = requests.flatMap((request) => {
      const builder = builders.get(request.builderid);
      return builder && this.#table.of(builder) ? [{ request, builder }] : [];
    });
    const shown = await Promise.all(asked.map(({ request, builder }) => this.#facts.read([request], builder.name)));
    for (const facts of shown.flat()) this.#shown.set(facts.buildrequestid, facts);
    return requests;
  }

  /** The requests that were tried, and those of them that were placed. */
  notePlaced(
    tried: readonly PendingRequest[],
    placed: readonly { readonly buildrequestid: number; readonly worker: AttachedWorker }[],
  ): void {
    const started = new Map(placed.map(({ buildrequestid, worker }) => [buildrequestid, worker]));
    for (const { buildrequestid, builderid } of tried) {
      const worker = started.get(buildrequestid);
      if (worker) this.#orders.noteStarted(builderid);
      else if (this.#touched.has(buildrequestid)) {
        this.#refused.add(buildrequestid);
        this.#refusedOf.set(builderid, (this.#refusedOf.get(builderid) ?? 0) + 1);
      }
    }
  }

  /** Its build begins there: before the next one it is asked again. */
  noteClaimed(buildrequestid: number, { workerid }: AttachedWorker): void {
    this.#questions.forget(buildrequestid, workerid);
  }

  /** A worker keeps its free capacity for a request. */
  noteKept(workerName: string, { builderid, buildrequestid }: KeptFor): void {
    const workerid = this.#options.workers.get(workerName)?.workerid;
    if (workerid !== undefined)
      this.#rows.note({ builderid, buildrequestid, workerid, option: "capacity", why: "", until: null });
  }

  #noteFailedOrder(builderid: number): void {
    const failed = this.#orders.failedOf(builderid);
    if (failed) this.noteResting(builderid, "order", failed);
  }

  /** A function of the builder is not called before that time of the clock: its requests wait. */
  noteResting(builderid: number, option: string, { why, until }: { why: string; until: number }): void {
    this.#rows.note({ builderid, buildrequestid: 0, workerid: 0, option, why, until: until / 1000 });
  }

  /** The function that names its locks has not answered yet. */
  noteAsking({ buildrequestid, builder, worker }: Asked): void {
    const { builderid } = builder;
    const why = "the function has not answered yet";
    this.#rows.note({ builderid, buildrequestid, workerid: worker.workerid, option: "locks", why, until: null });
  }

  /** Its requests are not tried, on this worker or on any, since a lock was found taken (packages/data/src/waiting/start-refusals.ts). */
  noteTaken(builderid: number, lock: string, worker: AttachedWorker | undefined): void {
    const why = worker === undefined ? lock : `${lock} of ${worker.name}`;
    const workerid = worker?.workerid ?? 0;
    this.#rows.note({ builderid, buildrequestid: 0, workerid, option: "lock", why, until: null });
  }

  #judge(
    { builderid }: ConfiguredBuilder,
    { canStart }: BuilderRules,
    { name }: WorkerView,
    requestId: number | undefined,
  ): PairObstacle | undefined {
    const worker = this.#options.workers.get(name);
    if (worker === undefined || requestId === undefined) return undefined;
    const request = this.#shown.get(requestId);
    const answer = request ? this.#accept(request, worker) : "asking";
    if (request && answer === "asking") return this.#wait(builderid, requestId, worker);
    if (answer !== "asking" && answer?.kind === "no")
      return this.#refuse(builderid, requestId, worker, "accepts", answer);
    if (!canStart || !request) return request ? undefined : this.#wait(builderid, requestId, worker);
    const started = this.#questions.find({ builderid, canStart, request, worker });
    if (started === "asking") return this.#wait(builderid, requestId, worker);
    return started.kind === "yes" ? undefined : this.#refuse(builderid, requestId, worker, "canStart", started);
  }

  #wait(builderid: number, buildrequestid: number, { workerid }: AttachedWorker): PairObstacle {
    this.#touched.add(buildrequestid);
    this.#rows.keep({ builderid, buildrequestid, workerid });
    return notYet;
  }

  #refuse(
    builderid: number,
    buildrequestid: number,
    { workerid }: AttachedWorker,
    option: string,
    answer: Extract<Answer, { kind: "no" }>,
  ): PairObstacle {
    const why = this.#options.functions.hide(answer.why);
    const until = answer.until / 1000;
    this.#touched.add(buildrequestid);
    this.#rows.note({ builderid, buildrequestid, workerid, option, why, until });
    return { kind: "refused", why, option, until };
  }

  /** Calls a function, if there is time for it in this placement. */
  #call<T>(call: () => T): T | "no time" {
    if (this.#spentMs >= placementMs) {
      this.#options.onAnswer();
      return "no time";
    }
    const begun = performance.now();
    try {
      return call();
    } finally {
      this.#spentMs += performance.now() - begun;
    }
  }

  /** What the worker's own function says; undefined: it has none. */
  #accept(request: PendingRequestFacts, worker: AttachedWorker): Answer | "asking" | undefined {
    const accepts = this.#table.acceptsOf(worker.name);
    if (!accepts) return undefined;
    const key = `${request.buildrequestid} ${worker.workerid}`;
    const now = this.#options.clock.now();
    const known = this.#accepted.get(key);
    if (known && known.until > now) return known;
    const called = this.#call(() => accepts.call([request], (result) => readAnswer(result, now)));
    if (called === "no time") return "asking";
    const answer = called.kind === "returned" ? called.value : failedAnswer(called.why, now);
    if (this.#accepted.size >= mostAccepts) this.#accepted.clear();
    this.#accepted.set(key, answer);
    return answer;
  }

  #choose(
    { builderid }: ConfiguredBuilder,
    { nextWorker }: BuilderRules,
    views: readonly WorkerView[],
    requestId: number | undefined,
  ): WorkerView | undefined {
    const { workers } = this.#options;
    const request = requestId === undefined ? undefined : this.#shown.get(requestId);
    if (!nextWorker || !request) return views[0];
    const shown = views.flatMap(({ name }) => workers.get(name) ?? []).map(describeWorker);
    const called = this.#call(() =>
      nextWorker.call([shown, request], (result) => {
        if (result === undefined || result === null) return undefined;
        const chosen = views.find(({ name }) => name === result);
        if (!chosen)
          throw new Error(`it returned ${JSON.stringify(result)}, which is the name of no worker that it was given`);
        return chosen;
      }),
    );
    if (called === "no time") {
      this.#touched.add(request.buildrequestid);
      return undefined;
    }
    if (called.kind === "returned" && called.value) return called.value;
    const why = called.kind === "failed" ? called.why : "it chose none of the free workers";
    this.#touched.add(request.buildrequestid);
    const { buildrequestid } = request;
    this.#rows.note({ builderid, buildrequestid, workerid: 0, option: "nextWorker", why, until: null });
    return undefined;
  }
}
