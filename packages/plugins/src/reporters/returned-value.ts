import { ReportFailure } from "../report-failure.ts";

/** A function of the config has returned what the reporter cannot use: the report fails with a sentence about it. */
export const wrongValue = (option: string, wanted: string, value: unknown): ReportFailure =>
  new ReportFailure(
    `the function "${option}" of the config must return ${wanted}, and returned ${describeValue(value)}`,
    { of: "report" },
  );

function describeValue(value: unknown): string {
  if (typeof value === "string") return value.trim() === "" ? "an empty text" : `"${value.slice(0, 100)}"`;
  if (Array.isArray(value)) return "a list";
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return "then" in value ? "a promise" : "an object";
}
