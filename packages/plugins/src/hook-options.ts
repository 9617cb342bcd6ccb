import { boundedPattern, fitsGlob, isOfFork } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import type { HookAnswer } from "./define-hook.ts";

/** What a change was made of, for options that are functions. */
export type Payload = Readonly<Record<string, unknown>>;

const functionOr = <T, F extends (...args: never[]) => unknown>(
  check: (value: unknown) => value is T,
  message: string,
) => z.custom<T | F>((value) => check(value) || typeof value === "function", { message });

const isText = (value: unknown): value is string => typeof value === "string";
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);

/** Options of every hook: the config refuses one that anybody could post to, unless this says that it is meant. */
export const openShape = {
  anybody: z
    .boolean()
    .default(false)
    .describe("True: takes requests from anybody who can reach the port, with neither secret nor changeHookAuth."),
};

/** Options of every hook whose requests bear a signature or a token. */
export const secretShape = {
  ...openShape,
  secret: z.string().min(1).optional().describe("The same as at the forge; requests must fit it."),
  strict: z.boolean().default(true).describe("False: requests that bear no signature at all pass, too."),
};

/** Options of every hook of a forge. */
export const forgeShape = {
  ...secretShape,
  codebase: functionOr<string, (payload: Payload) => string>(isText, "must be text, or a function of the payload")
    .default("")
    .describe("Of the changes: text, or a function of the payload."),
  category: functionOr<string, (change: NewChange) => string | null>(
    isText,
    "must be text, or a function of the change",
  )
    .optional()
    .describe("Of the changes, instead of the usual one of each event."),
  branches: functionOr<readonly string[], (branch: string) => boolean>(
    isTexts,
    "must be a list of names, where * stands for any text, or a function of the name",
  )
    .optional()
    .describe("Pushes to these, and pull requests that go to these; absent: all."),
  tags: z.boolean().default(true).describe("Whether a pushed tag is a change."),
  pullRequests: z.boolean().default(true).describe("Whether pull requests are changes."),
  forks: z
    .boolean()
    .optional()
    .describe(
      "Whether pull requests of forks are changes, too (absent: no): anybody's code then runs on your workers.",
    ),
  skips: z
    .array(z.instanceof(RegExp, { message: "must be a regular expression" }))
    .default([/\[ *skip *ci *\]/i, /\[ *ci *skip *\]/i])
    .describe("A push whose newest commit's message fits one is passed over, so is a pull request by its title."),
  transform: z
    .custom<(change: NewChange, payload: Payload) => NewChange | null>((value) => typeof value === "function", {
      message: "must be a function of the change and the payload",
    })
    .optional()
    .describe("Has the last word on each change: gives it, another one, or null for none."),
};

/** Closes the options of a hook: a secret that came out of an unset variable must not pass for "no secret". */
export function hookOptions<Shape extends typeof secretShape & z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape).superRefine((given, ctx) => {
    const options: Readonly<Record<string, unknown>> = given;
    if ("secret" in options && options["secret"] === undefined)
      ctx.addIssue({
        code: "custom",
        path: ["secret"],
        message:
          "is named but has no value (an environment variable that is not set?); leave it out for a hook without one",
      });
    if (options["secret"] !== undefined && options["anybody"])
      ctx.addIssue({ code: "custom", path: ["anybody"], message: "contradicts the secret: leave one of them out" });
  });
}

export type ForgeOptions = z.output<z.ZodObject<typeof forgeShape>>;

/** Something a forge reports, before the options had their say. */
export interface Found {
  readonly changes: readonly NewChange[];
  readonly kind: "push" | "tag" | "pull request";
  /** That was pushed to, or that the pull request goes to. */
  readonly branch: string;
  /** Message of the newest commit, or title of the pull request. */
  readonly headline: string;
}

/** What the options leave of it. */
export function applyOptions(found: Found, payload: Payload, options: ForgeOptions): HookAnswer {
  const { kind, branch, headline } = found;
  if (kind === "tag" && !options.tags) return { ignored: "tags are no changes here" };
  if (kind === "pull request" && !options.pullRequests) return { ignored: "pull requests are no changes here" };
  if (kind === "pull request" && !options.forks && found.changes.some(isForks))
    return { ignored: "it is a fork's code, or no one says that it is not; the hook's option forks: true takes it" };
  if (kind !== "tag" && !isWanted(branch, options.branches)) return { ignored: `not a branch of interest: ${branch}` };
  if (options.skips.some((pattern) => boundedPattern(pattern).test(headline)))
    return { ignored: "its message says so" };
  const { codebase, category, transform } = options;
  const changes = found.changes.flatMap((change) => {
    const coded = { ...change, codebase: typeof codebase === "function" ? codebase(payload) : codebase };
    const named =
      category === undefined
        ? coded
        : { ...coded, category: typeof category === "function" ? category(coded) : category };
    return (transform ? transform(named, payload) : named) ?? [];
  });
  return { changes };
}

function isForks({ branch = null, properties = {} }: NewChange): boolean {
  return isOfFork({ branch, ...properties });
}

function isWanted(branch: string, wanted: ForgeOptions["branches"]): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === "function" ? wanted(branch) : wanted.some((pattern) => fitsGlob(branch, pattern));
}
