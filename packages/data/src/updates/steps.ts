import { fencedTransaction } from "@multimaster/cluster";
import type { Result } from "@multimaster/core";
import { addStepUrl, finishStep, holdRunningBuild, insertStep, setStepState, startStep } from "@multimaster/database";
import { steps } from "../resources/steps.ts";
import type { UpdateContext } from "./update-context.ts";

export interface StepUpdates {
  /**
   * Adds a step row; a taken name gets `_1`, `_2`… (fenced). Called again before the step was started, because the answer
   * was lost, it returns the same row.
   */
  add(step: { buildid: number; name: string }): Promise<{ stepid: number; number: number; name: string }>;
  /** Marks it started, with locks acquired at the same time. */
  start(stepid: number): Promise<void>;
  setState(stepid: number, state: string): Promise<void>;
  addUrl(stepid: number, name: string, url: string): Promise<void>;
  /** Ends the step (fenced), with its last state text and whether the UI hides it. */
  finish(stepid: number, end: { results: Result; state: string; hidden: boolean }): Promise<void>;
}

export function createStepUpdates({ database, lease, events, track }: UpdateContext): StepUpdates {
  async function publish(event: "started" | "updated" | "finished", stepid: number, changed: boolean): Promise<void> {
    if (changed) await track(events.of(steps)[event]([stepid]));
  }

  return {
    async add({ buildid, name }) {
      const { id: stepid, ...step } = await fencedTransaction(database, lease, async (tx) => {
        if (!(await holdRunningBuild(tx, buildid, lease.masterid)))
          throw new Error(`build ${buildid} does not run on this master`);
        return insertStep(tx, buildid, name);
      });
      await track(events.of(steps).new([stepid]));
      return { stepid, ...step };
    },
    start: async (stepid) => publish("started", stepid, await startStep(database, stepid)),
    setState: async (stepid, state) => publish("updated", stepid, await setStepState(database, stepid, state)),
    async addUrl(stepid, name, url) {
      await publish("updated", stepid, await database.transaction((tx) => addStepUrl(tx, stepid, { name, url })));
    },
    async finish(stepid, end) {
      await publish("finished", stepid, await fencedTransaction(database, lease, (tx) => finishStep(tx, stepid, end)));
    },
  };
}
