import { boundedPattern, isOfFork } from "@multimaster/core";
import type { Change } from "@multimaster/data";
import { z } from "zod";

const text = z.string().nullable();

const matcher = z
  .union(
    [
      text,
      z.array(text),
      z.instanceof(RegExp),
      z.custom<(value: string | null) => boolean>((value) => typeof value === "function"),
    ],
    "must be a text, null, a list of these, a regular expression, or a function",
  )
  .optional();

type Matcher = z.output<typeof matcher>;

const fields = ["branch", "repository", "project", "category", "codebase", "author"] as const;

/** The changes that a scheduler follows: all given fields must match. */
export const changeFilter = z.strictObject({
  branch: matcher.describe(
    "A text, a list of texts, a regular expression or a function; null is a change without a branch.",
  ),
  branches: z.array(text).optional().describe("Same as a list for branch."),
  repository: matcher.describe("Repository of the change; a slash at its end makes no difference."),
  project: matcher.describe("Project of the change."),
  category: matcher.describe("Category of the change."),
  codebase: matcher.describe("Codebase of the change."),
  author: matcher.describe('Author of the change, "Name <mail>".'),
  files: matcher.describe("Matches if one of the changed files does, or if there were too many files to store."),
  forks: z.boolean().optional().describe("false: no pull requests of forks or of unknown origin; true: only those."),
  filter: z
    .custom<(change: Change) => boolean>((value) => typeof value === "function", {
      message: "must be a function of the change",
    })
    .optional()
    .describe("A function of the change that must also return true."),
});

const sourceFields = ["branch", "repository", "project", "codebase"] as const;

/** The source stamps that something is about: all given fields must match one of them. */
export const sourceFilter = z.strictObject({
  branch: matcher.describe(
    "A text, a list of texts, a regular expression or a function; null is a source stamp without a branch.",
  ),
  repository: matcher.describe("Repository of the source stamp; a slash at its end makes no difference."),
  project: matcher.describe("Project of the source stamp."),
  codebase: matcher.describe("Codebase of the source stamp."),
});

/** Whether the filter accepts one of the source stamps. Throws the errors of the config's functions. */
export function matchesSource(
  filter: z.output<typeof sourceFilter>,
  stamps: readonly Pick<Change, (typeof sourceFields)[number]>[],
): boolean {
  return stamps.some((stamp) => sourceFields.every((field) => matchesField(field, filter[field], stamp[field])));
}

export type ChangeFilter = z.output<typeof changeFilter>;

/** Whether the filter accepts a change. Throws the errors of the config's functions. */
export function matchesFilter(filter: ChangeFilter, change: Change): boolean {
  return (
    fields.every((field) => matchesField(field, filter[field], change[field])) &&
    matches(filter.branches, change.branch) &&
    (filter.files === undefined || isCut(change) || change.files.some((file) => matches(filter.files, file))) &&
    (filter.forks === undefined || filter.forks === isForks(change)) &&
    (filter.filter === undefined || Boolean(filter.filter(change)))
  );
}

/** Whether the list of files is truncated: missing data must not prevent a build. */
function isCut({ properties }: Change): boolean {
  return Object.hasOwn(properties, "files_omitted");
}

function isForks({ branch, properties }: Change): boolean {
  return isOfFork({ branch, ...properties });
}

/** The pollers of Subversion and Mercurial, and some forges, leave out the slash at the end of an address. */
function matchesField(field: string, wanted: Matcher, value: string | null): boolean {
  if (field !== "repository" || typeof wanted === "function" || wanted instanceof RegExp) return matches(wanted, value);
  return matches(Array.isArray(wanted) ? wanted.map(trimSlashes) : wanted && trimSlashes(wanted), trimSlashes(value));
}

function trimSlashes(address: string | null): string | null {
  if (address === null) return null;
  let end = address.length;
  while (address[end - 1] === "/") end -= 1;
  return address.slice(0, end);
}

function matches(wanted: Matcher, value: string | null): boolean {
  if (wanted === undefined) return true;
  if (typeof wanted === "function") return Boolean(wanted(value));
  if (Array.isArray(wanted)) return wanted.includes(value);
  if (wanted instanceof RegExp) return value !== null && boundedPattern(wanted).test(value);
  return wanted === value;
}
