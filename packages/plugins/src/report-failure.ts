/** Why a report did not arrive. */
export interface Failure {
  /**
   * "target": nothing arrives there now, so all reports of the reporter wait. "report": only this one. "refused": it never will.
   * "suspended": this report waits for a function of the config that is not called for a while, without using an attempt.
   */
  readonly of: "target" | "report" | "refused" | "suspended";
  /** It may have arrived all the same. */
  readonly unsure?: boolean;
  /** The target says when to come again. */
  readonly retryAfterMs?: number | undefined;
}

/** A report did not arrive; the message is what an operator reads. */
export class ReportFailure extends Error {
  readonly failure: Failure;

  constructor(sentence: string, failure: Failure, options?: ErrorOptions) {
    super(sentence, options);
    this.name = "ReportFailure";
    this.failure = failure;
  }
}
