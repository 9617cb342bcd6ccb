import { callContained, describeCause } from "@multimaster/core";
import { ReportFailure } from "../report-failure.ts";

/** Those that are contained where they are called. */
const elsewhere: ReadonlySet<string> = new Set(["filter", "message"]);

/**
 * The options with their functions contained: one that throws, or does not return, fails the report that it is called for, and what
 * is shown of it names the option. Functions that return promises are limited up to their first `await`; after that an attempt's
 * own limit holds.
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
      return callContained(() => fn(...given));
    } catch (error) {
      throw new ReportFailure(
        `the function "${name}" of the config failed: ${describeCause(error)}`,
        { of: "report" },
        {
          cause: error,
        },
      );
    }
  };
}
