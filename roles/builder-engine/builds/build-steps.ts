import { Results } from "@multimaster/core";
import type { ResumeNote } from "@multimaster/data";
import type { BuildScope } from "../steps/build-scope.ts";
import { type Interruption, mayGoOn } from "../steps/interruption.ts";
import type { PlannedStep } from "../steps/planned-steps.ts";
import { type BegunStep, RunningStep } from "../steps/running-step.ts";
import { applyOutcome, applyStep, atStart, isDue, type Standing } from "../steps/step-rules.ts";
import { type Adoption, listBegun, type ResumePoint } from "./resume-point.ts";

export interface BuildStepsOptions {
  readonly scope: BuildScope;
  readonly adoption: Adoption | undefined;
  /** The first step, if it was written with the build. */
  readonly begun: BegunStep | undefined;
  /** Of the builder's steps. */
  readonly hash: string;
  interruption(): Interruption | undefined;
  /** With this, the step that runs can go on at another engine; undefined: it cannot. */
  note(point: ResumePoint): ResumeNote | undefined;
  /** A step has ended. */
  onStepEnd(): Promise<void>;
}

/** Runs the steps of one build, one after the other, and what they add. */
export class BuildSteps {
  #options: BuildStepsOptions;
  #step: RunningStep | undefined;
  #standing: Standing;
  /** What the steps said that did not succeed. */
  #texts: string[];
  /** Rows of added steps that are not due, and do not say so yet. */
  #undue: number[] = [];

  constructor(options: BuildStepsOptions) {
    this.#options = options;
    this.#standing = options.adoption?.point.standing ?? atStart;
    this.#texts = [...(options.adoption?.point.texts ?? [])];
  }

  interrupt(interruption: Interruption): void {
    this.#step?.interrupt(interruption);
  }

  async run(): Promise<{ standing: Standing; texts: readonly string[] }> {
    const { scope, interruption } = this.#options;
    let { adoption, begun } = this.#options;
    for (let one = await scope.planned.take(); one !== undefined; one = await scope.planned.take()) {
      const interrupted = interruption();
      if (interrupted !== undefined) this.#standing = { results: interrupted.results, halted: true };
      // What is pending ends with the build.
      if (!mayGoOn(interrupted)) break;
      if (!isDue(this.#standing, one.step.rulesOf(one.options))) {
        if (one.row !== undefined) this.#undue.push(one.row.stepid);
        continue;
      }
      await this.#skipUndue();
      await this.#runOne(one, begun, adoption, interrupted);
      begun = undefined;
      adoption = undefined;
    }
    if (mayGoOn(interruption())) await this.#skipUndue();
    return { standing: this.#standing, texts: this.#texts };
  }

  async #runOne(
    one: PlannedStep,
    first: BegunStep | undefined,
    adoption: Adoption | undefined,
    known: Interruption | undefined,
  ): Promise<void> {
    const { scope, interruption } = this.#options;
    const { step, options, row } = one;
    const rules = step.rulesOf(options);
    const adopted = adoption?.build;
    const begun = row === undefined ? first : { ...row, isPending: true as const };
    const isStopped = known !== undefined;
    const present = { ...scope, isStopped, build: { ...scope.build, results: this.#standing.results } };
    this.#step = new RunningStep(
      step,
      options,
      present,
      adopted === undefined ? begun : { stepid: adopted.stepid, name: adopted.stepName },
      { note: this.#noter(one), begun: adopted && listBegun(adopted) },
    );
    // One that came before there was a step to interrupt.
    const interrupted = interruption();
    if (interrupted !== undefined && interrupted !== known) this.#step.interrupt(interrupted);
    const outcome = await this.#step.run();
    this.#step = undefined;
    const { results, text } = outcome;
    this.#standing = applyOutcome(this.#standing, rules, outcome);
    if (applyStep(atStart, rules, results).results !== Results.SUCCESS) this.#texts.push(text);
    await this.#options.onStepEnd();
  }

  /** A build with steps that only this engine knows goes on nowhere else. */
  #noter({ index }: PlannedStep): () => ResumeNote | undefined {
    const { scope, hash, note } = this.#options;
    if (index === undefined) return () => undefined;
    const point = { step: index, standing: this.#standing, texts: [...this.#texts], hash };
    return () => (scope.planned.hasAdded ? undefined : note({ ...point, patches: [...scope.patchesRead] }));
  }

  async #skipUndue(): Promise<void> {
    const { engine, build } = this.#options.scope;
    const undue = this.#undue.splice(0);
    if (undue.length === 0) return;
    await engine.persistence.write(`skip added steps of build ${build.buildid}`, () =>
      engine.data.updates.steps.skip(undue, "not run: the build had ended"),
    );
  }
}
