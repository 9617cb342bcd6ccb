/** One thing that was looked at. A warning keeps no master from working. */
export interface Finding {
  readonly verdict: "ok" | "warning" | "failed";
  /** What was looked at, in a word or two. */
  readonly about: string;
  /** What was seen. */
  readonly sentence: string;
  /** What to do about it; absent where nothing is wrong. */
  readonly remedy?: string;
}

/** Makes the findings of one part. */
export function findingsOf(about: string) {
  return {
    ok: (sentence: string): Finding => ({ verdict: "ok", about, sentence }),
    warning: (sentence: string, remedy: string): Finding => ({ verdict: "warning", about, sentence, remedy }),
    failed: (sentence: string, remedy: string): Finding => ({ verdict: "failed", about, sentence, remedy }),
  };
}
