/** Why git failed: the directory may be at fault, or what was asked for, or the way to the repository, or the time. */
export type GitFault = "directory" | "request" | "connection" | "timeout";

/** A git command of a step failed, or git cannot do what is asked; the message says what and why. */
export class GitFailed extends Error {
  override name = "GitFailed";
  readonly fault: GitFault;

  constructor(message: string, fault: GitFault = "directory") {
    super(message);
    this.fault = fault;
  }
}
