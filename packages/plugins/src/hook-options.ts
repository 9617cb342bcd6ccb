import { boundedPattern, callContained, fitsGlob, isOfFork } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import type { HookAnswer } from "./define-hook.ts";

/** The payload of a change, for options that are functions. */
export type Payload = Readonly<Record<string, unknown>>;

const functionOr = <T, F extends (...args: never[]) => unknown>(
  check: (value: unknown) => value is T,
  message: string,
) => z.custom<T | F>((value) => check(value) || typeof value === "function", { message });

const isText = (value: unknown): value is string => typeof value === "string";
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);

/** Options of every hook: the config refuses a hook that anyone could post to, unless this option confirms it. */
export const openShape = {
  anybody: z
    .boolean()
    .default(false)
    .describe("True: accepts requests from anyone who can connect, without secret or changeHookAuth."),
};

/** Options of every hook whose requests carry a signature or a token. */
export const secretShape = {
  ...openShape,
  secret: z.string().min(1).optional().describe("The secret set at the forge; requests must match it."),
  strict: z.boolean().default(true).describe("False: also accepts requests without any signature."),
};

/** Options of every hook of a forge. */
export const forgeShape = {
  ...secretShape,
  codebase: functionOr<string, (payload: Payload) => string>(isText, "must be text, or a function of the payload")
    .default("")
    .describe("Codebase of the changes: text, or a function of the payload."),
  category: functionOr<string, (change: NewChange) => string | null>(
    isText,
    "must be text, or a function of the change",
  )
    .optional()
    .describe("Category of the changes, instead of the event's usual one."),
  branches: functionOr<readonly string[], (branch: string) => boolean>(
    isTexts,
    "must be a list of names, where * matches any text, or a function of the name",
  )
    .optional()
    .describe("Accepts only pushes and pull requests to these branches; absent: all."),
  tags: z.boolean().default(true).describe("Whether a pushed tag is a change."),
  pullRequests: z.boolean().default(true).describe("Whether pull requests are changes."),
  forks: z
    .boolean()
    .optional()
    .describe("Whether pull requests of forks are changes, too (absent: no): anyone's code then runs on your workers."),
  skips: z
    .array(z.instanceof(RegExp, { message: "must be a regular expression" }))
    .default([/\[ *skip *ci *\]/i, /\[ *ci *skip *\]/i])
    .describe("Skips pushes whose newest commit's message matches one of these, and pull requests whose title does."),
  transform: z
    .custom<(change: NewChange, payload: Payload) => NewChange | null>((value) => typeof value === "function", {
      message: "must be a function of the change and the payload",
    })
    .optional()
    .describe("Decides each change at the end: returns it, another one, or null for none."),
};

/** Completes the options of a hook: a secret from an unset variable must not count as "no secret". */
export function hookOptions<Shape extends typeof secretShape & z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape).superRefine((given, ctx) => {
    const options: Readonly<Record<string, unknown>> = given;
    if ("secret" in options && options["secret"] === undefined)
      ctx.addIssue({
        code: "custom",
        path: ["secret"],
        message: "is given without a value (is its environment variable set?); omit it for a hook without a secret",
      });
    if (options["secret"] !== undefined && options["anybody"])
      ctx.addIssue({ code: "custom", path: ["anybody"], message: "contradicts the secret: remove one of them" });
  });
}

export type ForgeOptions = z.output<z.ZodObject<typeof forgeShape>>;

/** An event of a forge, before the options are applied. */
export interface Found {
  readonly changes: readonly NewChange[];
  readonly kind: "push" | "tag" | "pull request";
  /** The branch that was pushed to, or that the pull request targets. */
  readonly branch: string;
  /** Message of the newest commit, or title of the pull request. */
  readonly headline: string;
}

/** Applies the options to an event. */
export function applyOptions(found: Found, payload: Payload, options: ForgeOptions): HookAnswer {
  const { kind, branch, headline } = found;
  if (kind === "tag" && !options.tags) return { ignored: "this hook ignores tags" };
  if (kind === "pull request" && !options.pullRequests) return { ignored: "this hook ignores pull requests" };
  if (kind === "pull request" && !options.forks && found.changes.some(isForks))
    return {
      ignored: "it is a fork's code, or not known to be the repository's own; the hook's option forks: true accepts it",
    };
  if (kind !== "tag" && !isWanted(branch, options.branches)) return { ignored: `not a branch of interest: ${branch}` };
  if (options.skips.some((pattern) => boundedPattern(pattern).test(headline)))
    return { ignored: "its message says so" };
  const { codebase, category, transform } = options;
  const changes = found.changes.flatMap((change) => {
    const coded = {
      ...change,
      codebase: typeof codebase === "function" ? callContained(() => codebase(payload)) : codebase,
    };
    const named =
      category === undefined
        ? coded
        : { ...coded, category: typeof category === "function" ? callContained(() => category(coded)) : category };
    return (transform ? callContained(() => transform(named, payload)) : named) ?? [];
  });
  return { changes };
}

function isForks({ branch = null, properties = {} }: NewChange): boolean {
  return isOfFork({ branch, ...properties });
}

function isWanted(branch: string, wanted: ForgeOptions["branches"]): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === "function"
    ? callContained(() => wanted(branch))
    : wanted.some((pattern) => fitsGlob(branch, pattern));
}
