import { Results } from "@multimaster/core";
import type { StepEnd } from "../../define-step.ts";
import { ArtifactRefused, MasterRefused, StepFailed } from "../../step-errors.ts";

/** Runs a transfer: what was refused is the step's failure, with the sentence as its reason. */
export async function endWithSentence(summary: string, transfer: () => Promise<StepEnd>): Promise<StepEnd> {
  try {
    return await transfer();
  } catch (error) {
    if (!(error instanceof ArtifactRefused || error instanceof MasterRefused || error instanceof StepFailed))
      throw error;
    return { results: Results.FAILURE, summary, reason: error.message.replace(/\.$/, "") };
  }
}
