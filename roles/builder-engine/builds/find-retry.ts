import type { RetryCause, RetryRule } from "@multimaster/config";
import { boundedPattern, type Result, Results } from "@multimaster/core";
import type { RetryByRule } from "@multimaster/data";

/** How a build ended, as far as rules ask. */
interface Ended {
  readonly results: Result;
  readonly state: string;
  /** With its worker, or because its engine was stopped immediately. */
  readonly isLost: boolean;
  /** Its worker lacked disk space, memory or files. */
  readonly isMachine: boolean;
}

/** The first rule of the builder that fits; undefined: none does. */
export function findRetry(rules: readonly RetryRule[], ended: Ended): RetryByRule | undefined {
  const cause = causeOf(ended);
  const rule = rules.find(({ on, text }) => cause !== undefined && on.includes(cause) && fits(text, ended.state));
  return rule && { times: rule.times, delayS: rule.delay / 1000 };
}

function causeOf({ results, isLost, isMachine }: Ended): RetryCause | undefined {
  if (isLost) return results === Results.RETRY ? "lost" : undefined;
  if (results === Results.EXCEPTION) return isMachine ? "machine" : "exception";
  return results === Results.FAILURE ? "failure" : undefined;
}

function fits(text: RegExp | undefined, state: string): boolean {
  if (text === undefined) return true;
  try {
    return boundedPattern(text).test(state);
  } catch {
    // An expression that takes too long fits nothing.
    return false;
  }
}
