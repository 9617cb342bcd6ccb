import { boundedPattern, isOfFork } from "@multimaster/core";
import type { Change } from "@multimaster/data";
import { z } from "zod";

const text = z.string().nullable();

const matcher = z
  .union([
    text,
    z.array(text),
    z.instanceof(RegExp),
    z.custom<(value: string | null) => boolean>((value) => typeof value === "function"),
  ])
  .optional();

type Matcher = z.output<typeof matcher>;

const fields = ["branch", "repository", "project", "category", "codebase", "author"] as const;

/** Which changes a scheduler looks at: all that is given must match. */
export const changeFilter = z.strictObject({
  branch: matcher.describe(
    "A text, a list of texts, a regular expression or a function; null is a change without a branch.",
  ),
  branches: z.array(text).optional().describe("The same as a list for branch."),
  repository: matcher.describe("As the change has it."),
  project: matcher.describe("As the change has it."),
  category: matcher.describe("As the change has it."),
  codebase: matcher.describe("As the change has it."),
  author: matcher.describe('"Name <mail>" as the change has it.'),
  files: matcher.describe(
    "Matches when one of the changed files does, and when there were too many of them to be stored.",
  ),
  forks: z
    .boolean()
    .optional()
    .describe("false: no pull requests of forks, nor those of which no one says whose they are; true: only those."),
  filter: z
    .custom<(change: Change) => boolean>((value) => typeof value === "function", {
      message: "must be a function of the change",
    })
    .optional()
    .describe("A function of the change that must return true, beside all else."),
});

export type ChangeFilter = z.output<typeof changeFilter>;

/** Whether the filter lets a change through. Throws what the config's functions throw. */
export function matchesFilter(filter: ChangeFilter, change: Change): boolean {
  return (
    fields.every((field) => matches(filter[field], change[field])) &&
    matches(filter.branches, change.branch) &&
    (filter.files === undefined || isCut(change) || change.files.some((file) => matches(filter.files, file))) &&
    (filter.forks === undefined || filter.forks === isForks(change)) &&
    (filter.filter === undefined || Boolean(filter.filter(change)))
  );
}

/** What is not known of a change must not keep it from being built. */
function isCut({ properties }: Change): boolean {
  return Object.hasOwn(properties, "files_omitted");
}

function isForks({ branch, properties }: Change): boolean {
  return isOfFork({ branch, ...properties });
}

function matches(wanted: Matcher, value: string | null): boolean {
  if (wanted === undefined) return true;
  if (typeof wanted === "function") return Boolean(wanted(value));
  if (Array.isArray(wanted)) return wanted.includes(value);
  if (wanted instanceof RegExp) return value !== null && boundedPattern(wanted).test(value);
  return wanted === value;
}
