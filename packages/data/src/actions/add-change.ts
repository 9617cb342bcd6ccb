import { describePlainly, errors, isNestedDeeper } from "@multimaster/core";
import { z } from "zod";
import type { NewChange } from "../updates/new-change.ts";
import { defineAction, readByAction } from "./action.ts";

/** Deeper values would exhaust the stack of every reader; no real property is that deep. */
const maxDepth = 200;

const optionalText = z.string().nullish();

/** The parameters of a change over REST and by the hook `base`. */
export const newChange = z.strictObject({
  author: z.string().min(1, "must not be empty"),
  comments: z.string(),
  committer: optionalText,
  branch: optionalText,
  revision: optionalText,
  repository: z.string().default(""),
  project: z.string().default(""),
  codebase: z.string().default(""),
  category: optionalText,
  files: z.array(z.string()).default([]),
  properties: z.record(z.string(), z.json()).default({}),
  when_timestamp: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional(),
  revlink: z.string().default(""),
  /** A second delivery with the same id adds nothing. */
  delivery: z.string().min(1).max(255).optional(),
  /** Set by the server on every call. */
  owner: z.unknown().optional(),
});

/** Turns parameters into a change, or says what is wrong with each of them. */
export function parseNewChange(params: unknown): { change: NewChange; delivery: string | undefined } {
  if (isNestedDeeper(params, maxDepth)) {
    throw errors.requestInvalid(`the change is nested deeper than ${maxDepth} levels`);
  }
  const parsed = newChange.safeParse(params);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${issue.path.join(".") || "params"}: ${describePlainly(issue)}`,
    );
    throw errors.requestInvalid(problems.join("; "));
  }
  const { when_timestamp: whenTimestamp, delivery, owner: _, properties, ...rest } = parsed.data;
  const change = { ...rest, properties: properties as NonNullable<NewChange["properties"]> };
  return { change: whenTimestamp === undefined ? change : { ...change, whenTimestamp }, delivery };
}

/** `POST /api/v2/changes`, method `add`: answers after the commit, so an acknowledged change is durable. */
export const addChange = defineAction(
  readByAction<z.input<typeof newChange>>(),
  ({ updates, trail }, _: null, params) => {
    const { change, delivery } = parseNewChange(params);
    // Prefixed, so that an id chosen by a script never equals that of a forge's delivery.
    const known = delivery === undefined ? undefined : `rest:${delivery}`;
    return {
      async perform() {
        const { changeid } = await updates.changes.add(change, { delivery: known, trail });
        return { changeid };
      },
    };
  },
);
