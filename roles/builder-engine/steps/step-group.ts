import type { PluginDescriptor } from "@multimaster/config";
import { type Result, Results, worstResult } from "@multimaster/core";
import { type StepContext, type StepEnd, StepsRefused, type TogetherEnd } from "@multimaster/plugins";
import type { BuildScope } from "./build-scope.ts";
import { combine, type Interruption } from "./interruption.ts";
import type { PlannedStep } from "./planned-steps.ts";
import type { StepAdditions } from "./step-additions.ts";
import { applyOutcome, atStart, isDue, type Standing } from "./step-rules.ts";

/** A step that runs. */
export interface Member {
  readonly patienceMs: number;
  interrupt(interruption: Interruption): void;
  run(): Promise<Pick<StepEnd, "results" | "build" | "halts">>;
}

export interface StepGroupOptions {
  readonly scope: BuildScope;
  /** Of the step whose parts they are. */
  readonly name: string;
  readonly additions: StepAdditions;
  readonly signal: AbortSignal;
  /** The step that has locks while they run: that one, or one that it is a part of. */
  lockedBy(): string | undefined;
  begin(member: PlannedStep): Member;
  onWait(): void;
  onReturn(): Promise<void>;
}

/** Steps that run at the same time, as parts of another one. */
export class StepGroup {
  #options: StepGroupOptions;
  #running = new Set<Member>();
  #rounds = new Set<Promise<unknown>>();
  #interruption: Interruption | undefined;

  constructor(options: StepGroupOptions) {
    this.#options = options;
  }

  /** What runs is interrupted, and nothing begins any more. */
  interrupt(interruption: Interruption): void {
    this.#interruption = combine(this.#interruption, interruption);
    for (const step of this.#running) step.interrupt(this.#interruption);
  }

  /** How long those that run may take to end when they are interrupted. */
  get patienceMs(): number {
    return Math.max(0, ...[...this.#running].map((step) => step.patienceMs));
  }

  /** The step has ended: what it did not wait for is stopped, since it would run on a worker that is another build's. */
  async close(): Promise<void> {
    const reason = `the step "${this.#options.name}" has ended`;
    if (this.#interruption === undefined) this.interrupt({ kind: "stopped", reason, results: Results.CANCELLED });
    await Promise.allSettled(this.#rounds);
  }

  run: StepContext["runTogether"] = async (steps, { maxInFlight }) => {
    const { lockedBy, signal } = this.#options;
    signal.throwIfAborted();
    const locked = lockedBy();
    // They would wait for what the step has that waits for them.
    if (locked !== undefined && steps.some(({ options }) => hasLocks(options)))
      throw new StepsRefused(
        `"${locked}" has locks, so the steps that it runs together cannot wait for any: put all locks on the one or on the others.`,
      );
    const running = this.#runRound(steps, maxInFlight);
    this.#rounds.add(running);
    try {
      return await running;
    } finally {
      this.#rounds.delete(running);
    }
  };

  async #runRound(steps: readonly PluginDescriptor<"step">[], maxInFlight: number): Promise<TogetherEnd> {
    const { scope, name, additions, signal, onWait, onReturn } = this.#options;
    onWait();
    try {
      const members = await scope.planned.addMembers(steps, { by: name, write: additions.writer("together") });
      const round = new Round(members);
      const lanes = Array.from({ length: Math.min(maxInFlight, members.length) }, () => this.#runLane(round));
      const failed = (await Promise.allSettled(lanes)).find((end) => end.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      await this.#skip(round);
      signal.throwIfAborted();
      return round.end();
    } finally {
      await onReturn();
    }
  }

  /** One after the other of those that are left. */
  async #runLane(round: Round): Promise<void> {
    for (let one = this.#take(round); one !== undefined; one = this.#take(round)) {
      const running = this.#options.begin(one);
      this.#running.add(running);
      try {
        round.note(one, await running.run());
      } catch (error) {
        // Its build is given up: the others are not to run on until they end by themselves.
        const reason = `a step of "${this.#options.name}" could not be written`;
        this.interrupt({ kind: "stopped", reason, results: Results.RETRY });
        throw error;
      } finally {
        this.#running.delete(running);
      }
    }
  }

  #take(round: Round): PlannedStep | undefined {
    return this.#interruption === undefined ? round.take() : undefined;
  }

  async #skip(round: Round): Promise<void> {
    const { engine, build } = this.#options.scope;
    const left = round.left;
    if (left.length === 0) return;
    const why = this.#interruption === undefined ? "another step of its group has failed" : "the build was stopped";
    await engine.persistence.write(`skip added steps of build ${build.buildid}`, () =>
      engine.data.updates.steps.skip(left, `not run: ${why}`),
    );
  }
}

const hasLocks = (options: unknown) => (options as { locks?: unknown } | undefined)?.locks !== undefined;

/** How far members have come. */
class Round {
  #members: readonly PlannedStep[];
  #left: PlannedStep[];
  #standing: Standing = atStart;
  /** How a member has ended the build. */
  #ending: TogetherEnd["build"];
  #results = new Map<PlannedStep, TogetherEnd["results"]>();

  constructor(members: readonly PlannedStep[]) {
    this.#members = members;
    this.#left = [...members];
  }

  /** The next one that is due. */
  take(): PlannedStep | undefined {
    const at = this.#left.findIndex(({ step, options }) => isDue(this.#standing, step.rulesOf(options)));
    return at === -1 ? undefined : this.#left.splice(at, 1)[0];
  }

  note(member: PlannedStep, outcome: Awaited<ReturnType<Member["run"]>>): void {
    this.#results.set(member, outcome.results);
    const rules = member.step.rulesOf(member.options);
    const { build } = outcome;
    if (build === undefined || rules.cleanUp) {
      this.#standing = applyOutcome(this.#standing, rules, outcome);
      return;
    }
    this.#standing = { ...this.#standing, halted: true };
    if (this.#ending === undefined || worstResult(this.#ending.results, build.results) !== this.#ending.results)
      this.#ending = build;
  }

  /** Rows of those that have not begun. */
  get left(): number[] {
    return this.#left.flatMap(({ row }) => (row === undefined ? [] : [row.stepid]));
  }

  end(): TogetherEnd {
    const { results, halted } = this.#standing;
    const build = this.#ending === undefined ? undefined : weighEnding(this.#ending, results);
    return {
      results: build?.results ?? results,
      halted,
      ...(build === undefined ? {} : { build }),
      members: this.#members.map((member) => ({
        name: member.row?.name ?? member.step.type,
        results: this.#results.get(member) ?? Results.SKIPPED,
      })),
    };
  }
}

/** A member that failed, before or after another one ended the build, is not forgotten; the text belongs to the ending's result. */
function weighEnding(ending: NonNullable<TogetherEnd["build"]>, members: Result): NonNullable<TogetherEnd["build"]> {
  if (members === Results.SUCCESS || members === ending.results) return ending;
  const results = worstResult(ending.results, members);
  return results === ending.results ? ending : { results };
}
