import type { Result } from "@multimaster/core";
import {
  type AdditionKind,
  addStepUrl,
  beginStep,
  finishStep,
  holdRunningBuild,
  insertAddedSteps,
  setStepState,
  skipAddedSteps,
  startAddedStep,
} from "@multimaster/database";
import type { Events } from "../events/events.ts";
import { steps } from "../resources/steps.ts";
import type { UpdateContext } from "./update-context.ts";

/** Steps that a running step adds to its build. */
export interface StepAddition {
  buildid: number;
  addedBy: number;
  /** Which of that step's additions it is, counted from 0. */
  batch: number;
  kind: AdditionKind;
  /** They come before this pending step; undefined: after all. */
  before?: number | undefined;
  /** `addition` describes each as JSON. */
  steps: readonly { readonly name: string; readonly addition: string }[];
}

export interface StepUpdates {
  /**
   * Adds a step that is started; a taken name gets `_1`, `_2`… (fenced). Called again while the step runs, because the answer
   * was lost, it returns the same row.
   */
  begin(step: { buildid: number; name: string }): Promise<{ stepid: number; number: number; name: string }>;
  /** Adds steps that are pending (fenced); a repeated call returns the same rows. Names become unique as those of `begin`. */
  add(addition: StepAddition): Promise<readonly { stepid: number; name: string }[]>;
  /** A step that was added starts. */
  start(stepid: number): Promise<void>;
  /** Steps that were added end as SKIPPED, unless they have started. */
  skip(stepids: readonly number[], state: string): Promise<void>;
  setState(stepid: number, state: string): Promise<void>;
  addUrl(stepid: number, name: string, url: string): Promise<void>;
  /** Ends the step (fenced), with its last state text and whether the UI hides it. */
  finish(stepid: number, end: { results: Result; state: string; hidden: boolean }): Promise<void>;
}

export function createStepUpdates({ lease, events, track, write, steps: notes }: UpdateContext): StepUpdates {
  async function publish(event: "updated" | "finished", stepid: number, changed: boolean): Promise<void> {
    if (changed) await track(events.of(steps)[event]([stepid]));
  }

  return {
    async begin({ buildid, name }) {
      const reading = notes.prepare();
      if (reading) await reading;
      const { id: stepid, ...step } = await write(`build ${buildid}`, async (tx) => {
        if (!(await holdRunningBuild(tx, buildid, lease.masterid)))
          throw new Error(`build ${buildid} does not run on this master`);
        const step = await beginStep(tx, buildid, name);
        await notes.begun(tx, [{ ...step, stepid: step.id, buildid }]);
        return step;
      });
      await track(publishBegun(events, stepid));
      return { stepid, ...step };
    },
    async add(addition) {
      const { buildid } = addition;
      const rows = await write(`build ${buildid}`, async (tx) => {
        if (!(await holdRunningBuild(tx, buildid, lease.masterid)))
          throw new Error(`build ${buildid} does not run on this master`);
        return insertAddedSteps(tx, addition);
      });
      await track(events.of(steps).new(rows.map(({ id }) => id)));
      return rows.map(({ id, name }) => ({ stepid: id, name }));
    },
    async start(stepid) {
      const reading = notes.prepare();
      if (reading) await reading;
      const started = await write(`step ${stepid}`, async (tx) => {
        if (!(await startAddedStep(tx, stepid))) return false;
        await notes.started(tx, stepid);
        return true;
      });
      if (started) await track(events.of(steps).started([stepid]));
    },
    async skip(stepids, state) {
      const [first] = stepids;
      if (first === undefined) return;
      const skipped = await write(`step ${first}`, (tx) => skipAddedSteps(tx, stepids, state));
      if (skipped.length > 0) await track(events.of(steps).finished(skipped));
    },
    setState: async (stepid, state) =>
      publish("updated", stepid, await write(`step ${stepid}`, (tx) => setStepState(tx, stepid, state))),
    async addUrl(stepid, name, url) {
      await publish("updated", stepid, await write(`step ${stepid}`, (tx) => addStepUrl(tx, stepid, { name, url })));
    },
    async finish(stepid, end) {
      const reading = notes.prepare();
      if (reading) await reading;
      const finished = await write(`step ${stepid}`, async (tx) => {
        if (!(await finishStep(tx, stepid, end))) return false;
        await notes.ended(tx, stepid, end.results);
        return true;
      });
      await publish("finished", stepid, finished);
    },
  };
}

/** Buildbot's order: a step is new, and then it starts. */
export async function publishBegun(events: Events, stepid: number): Promise<void> {
  await Promise.all([events.of(steps).new([stepid]), events.of(steps).started([stepid])]);
}
