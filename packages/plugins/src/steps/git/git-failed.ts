/** The cause of a failure: possibly the directory, or the request, the connection to the repository, or a timeout. */
export type GitFault = "directory" | "request" | "connection" | "timeout";

/** A git command of a step failed, or git cannot do what is requested; the message says what and why. */
export class GitFailed extends Error {
  override name = "GitFailed";
  readonly fault: GitFault;

  constructor(message: string, fault: GitFault = "directory") {
    super(message);
    this.fault = fault;
  }
}
