/** The build was stopped or given up while a step ran. A step lets it pass; `finally` is the place to tidy up. */
export class StepStopped extends Error {
  override name = "StepStopped";
}

/** The connection to the worker ended while a step used it: the build is run again. */
export class WorkerLost extends Error {
  override name = "WorkerLost";
}

/** The worker's own code failed, or it refused the command: not the fault of what was to be run. */
export class CommandException extends Error {
  override name = "CommandException";
}

/** A step's options could not be rendered, or came out wrong; the message says which and why. */
export class BadRendering extends Error {
  override name = "BadRendering";
}

/** A step handed in what is not stored: an address that is none of the web, a value that is too large. */
export class StepValueRefused extends Error {
  override name = "StepValueRefused";
}

/** Nothing was triggered: a scheduler is not there, or is not to build; the message says which and why. */
export class TriggerRefused extends Error {
  override name = "TriggerRefused";
}
