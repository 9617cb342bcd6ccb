import type { Result } from "@multimaster/core";
import { addStepUrl, beginStep, finishStep, holdRunningBuild, setStepState } from "@multimaster/database";
import type { Events } from "../events/events.ts";
import { steps } from "../resources/steps.ts";
import type { UpdateContext } from "./update-context.ts";

export interface StepUpdates {
  /**
   * Adds a step that is started; a taken name gets `_1`, `_2`… (fenced). Called again while the step runs, because the answer
   * was lost, it returns the same row.
   */
  begin(step: { buildid: number; name: string }): Promise<{ stepid: number; number: number; name: string }>;
  setState(stepid: number, state: string): Promise<void>;
  addUrl(stepid: number, name: string, url: string): Promise<void>;
  /** Ends the step (fenced), with its last state text and whether the UI hides it. */
  finish(stepid: number, end: { results: Result; state: string; hidden: boolean }): Promise<void>;
}

export function createStepUpdates({ lease, events, track, write }: UpdateContext): StepUpdates {
  async function publish(event: "updated" | "finished", stepid: number, changed: boolean): Promise<void> {
    if (changed) await track(events.of(steps)[event]([stepid]));
  }

  return {
    async begin({ buildid, name }) {
      const { id: stepid, ...step } = await write(`build ${buildid}`, async (tx) => {
        if (!(await holdRunningBuild(tx, buildid, lease.masterid)))
          throw new Error(`build ${buildid} does not run on this master`);
        return beginStep(tx, buildid, name);
      });
      await track(publishBegun(events, stepid));
      return { stepid, ...step };
    },
    setState: async (stepid, state) =>
      publish("updated", stepid, await write(`step ${stepid}`, (tx) => setStepState(tx, stepid, state))),
    async addUrl(stepid, name, url) {
      await publish("updated", stepid, await write(`step ${stepid}`, (tx) => addStepUrl(tx, stepid, { name, url })));
    },
    async finish(stepid, end) {
      await publish("finished", stepid, await write(`step ${stepid}`, (tx) => finishStep(tx, stepid, end)));
    },
  };
}

/** Buildbot's order: a step is new, and then it starts. */
export async function publishBegun(events: Events, stepid: number): Promise<void> {
  await Promise.all([events.of(steps).new([stepid]), events.of(steps).started([stepid])]);
}
