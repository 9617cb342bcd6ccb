import { describeCause, isThenable } from "@multimaster/core";
import { ReportFailure } from "../report-failure.ts";
import { callForData, FunctionSuspended, waitForFunction } from "./guard-calls.ts";
import { limitTime } from "./limit-time.ts";

/** Those that are contained where they are called. */
const elsewhere: ReadonlySet<string> = new Set(["filter", "message"]);

/**
 * The options with their functions contained: one that throws, or does not return, fails the report that it is called for, and what
 * is shown of it names the option. A promise that it returns has a time limit.
 */
export function containFunctions<Options extends object>(options: Options): Options {
  const contained = Object.entries(options).map(([name, value]) => [
    name,
    typeof value === "function" && !elsewhere.has(name)
      ? contain(name, value as (...given: unknown[]) => unknown)
      : value,
  ]);
  return Object.fromEntries(contained) as Options;
}

function contain(name: string, fn: (...given: unknown[]) => unknown) {
  return (...given: unknown[]): unknown => {
    try {
      const answer = callForData(fn, () => fn(...given));
      return isThenable(answer) ? waitForAnswer(name, fn, answer) : answer;
    } catch (error) {
      throw failureOf(name, error);
    }
  };
}

/** How long the promise of a function of the config is waited for. */
export const longestAnswerMs = 10_000;

function waitForAnswer(name: string, fn: object, answer: PromiseLike<unknown>): Promise<unknown> {
  const limited = new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      end();
      reject(failureOf(name, error));
    };
    const end = limitTime(longestAnswerMs, () =>
      fail(new Error(`it did not answer within ${longestAnswerMs / 1000} s`)),
    );
    answer
      .then((value) => callForData(fn, () => value))
      .then((value) => {
        end();
        resolve(value);
      }, fail);
  });
  // Where a promise is not expected it is not waited for: its failure must not end the master.
  limited.catch(() => undefined);
  return limited;
}

const failureOf = (name: string, error: unknown) =>
  error instanceof FunctionSuspended
    ? waitForFunction(name, error)
    : new ReportFailure(
        `the function "${name}" of the config failed: ${describeCause(error)}`,
        { of: "report" },
        { cause: error },
      );
