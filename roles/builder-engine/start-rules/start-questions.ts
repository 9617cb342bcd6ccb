import type { PendingRequestFacts, ProbedWorker } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import type { GuardedFunction } from "./guarded-function.ts";
import { probeWorker } from "./probe-worker.ts";
import { describeWorker } from "./request-facts.ts";
import { type Answer, failedAnswer, readAnswer } from "./start-answers.ts";

/** How many questions may be open at the same time. */
const most = { ofRequest: 3, ofBuilder: 10, ofWorker: 2, all: 50 };
/** Answers that are remembered. */
const mostAnswers = 20_000;

interface Question {
  readonly builderid: number;
  readonly canStart: GuardedFunction<[PendingRequestFacts, ProbedWorker]>;
  readonly request: PendingRequestFacts;
  readonly worker: AttachedWorker;
}

const keyOf = (buildrequestid: number, workerid: number) => `${buildrequestid} ${workerid}`;

/** What `canStart` answers. It is asked beside the distributor, which does not wait for it. */
export class StartQuestions {
  #clock: Clock;
  #onAnswer: () => void;
  #answers = new Map<string, Answer>();
  #open = new Map<string, Question>();
  #asking = new Set<Promise<void>>();

  /** `onAnswer`: the distributor may know more now. */
  constructor(clock: Clock, onAnswer: () => void) {
    this.#clock = clock;
    this.#onAnswer = onAnswer;
  }

  /** The answer, if there is one; otherwise the function is asked, unless too many questions are open. */
  find(question: Question): Answer | "asking" {
    const key = keyOf(question.request.buildrequestid, question.worker.workerid);
    const known = this.#answers.get(key);
    if (known && known.until > this.#clock.now()) return known;
    if (!this.#open.has(key) && this.#mayAsk(question)) {
      this.#open.set(key, question);
      const asking = this.#ask(key, question).finally(() => this.#asking.delete(asking));
      this.#asking.add(asking);
    }
    return "asking";
  }

  /** A build of the request starts there: the next one is asked about again. */
  forget(buildrequestid: number, workerid: number): void {
    this.#answers.delete(keyOf(buildrequestid, workerid));
  }

  /** Forgets what counts no more. */
  prune(): void {
    if (this.#answers.size === 0) return;
    const now = this.#clock.now();
    for (const [key, { until }] of this.#answers)
      if (until <= now || this.#answers.size > mostAnswers) this.#answers.delete(key);
  }

  /** Resolves when no function is being asked: each ends in time. */
  async settled(): Promise<void> {
    while (this.#asking.size > 0) await Promise.all(this.#asking);
  }

  #mayAsk({ builderid, request, worker }: Question): boolean {
    const open = [...this.#open.values()];
    const count = (is: (one: Question) => boolean) => open.filter(is).length;
    return (
      open.length < most.all &&
      count((one) => one.builderid === builderid) < most.ofBuilder &&
      count((one) => one.request.buildrequestid === request.buildrequestid) < most.ofRequest &&
      count((one) => one.worker === worker) < most.ofWorker
    );
  }

  async #ask(key: string, { canStart, request, worker }: Question): Promise<void> {
    const probed: ProbedWorker = {
      ...describeWorker(worker),
      probe: (command, options) => probeWorker(worker, command, options),
    };
    const called = await canStart.callAsync([request, probed], (result) => readAnswer(result, this.#clock.now()));
    this.#open.delete(key);
    this.#answers.set(key, called.kind === "returned" ? called.value : failedAnswer(called.why, this.#clock.now()));
    this.#onAnswer();
  }
}
