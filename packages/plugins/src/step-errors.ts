import { describeIssue } from "@multimaster/config";
import { z } from "zod";

/** What a function of a config has thrown, as a sentence: of a schema that refused a value, what is wrong with that. */
export function describeThrown(error: unknown): string {
  if (error instanceof z.ZodError)
    return error.issues.flatMap((issue) => describeIssue(issue, z.unknown(), undefined)).join("; ");
  return error instanceof Error ? error.message : String(error);
}

/** The build was stopped or abandoned while a step ran. A step must not catch it; it cleans up in `finally`. */
export class StepStopped extends Error {
  override name = "StepStopped";
}

/** The connection to the worker ended while a step used it: the build is run again. */
export class WorkerLost extends Error {
  override name = "WorkerLost";
}

/** The worker's own code failed, or it refused the command: not the fault of the program to be run. */
export class CommandException extends Error {
  override name = "CommandException";
  /** What the worker said, in one line. */
  readonly said: string;
  /** All that it said, such as a traceback. */
  readonly detail: string;
  /** Whether the machine lacks something that any build needs, such as disk space. */
  readonly isMachineFault: boolean;

  constructor(
    message: string,
    about: { readonly said?: string; readonly detail?: string; readonly isMachineFault?: boolean } = {},
  ) {
    super(message);
    const { said = message, detail = message, isMachineFault = false } = about;
    this.said = said;
    this.detail = detail;
    this.isMachineFault = isMachineFault;
  }
}

/** A step's options could not be rendered, or the rendered values are invalid; the message says which and why. */
export class BadRendering extends Error {
  override name = "BadRendering";
}

/** A step ends as a failure, and the message says why: the build has not left what the step needs. */
export class StepFailed extends Error {
  override name = "StepFailed";
}

/** A step passed a value that is not stored: a URL that is not a web address, or a value that is too large. */
export class StepValueRefused extends Error {
  override name = "StepValueRefused";
}

/** Nothing was triggered: a scheduler does not exist, or may not build; the message says which and why. */
export class TriggerRefused extends Error {
  override name = "TriggerRefused";
}

/** No steps were added: they are invalid or too many; the message says which and why. */
export class StepsRefused extends Error {
  override name = "StepsRefused";
}

/** An artifact cannot be stored or read: there is no store, its name or size is not allowed, or its bytes are wrong. */
export class ArtifactRefused extends Error {
  override name = "ArtifactRefused";
}

/** The config does not allow a step to do this on the master's machine. */
export class MasterRefused extends Error {
  override name = "MasterRefused";
}
