import { describePlainly, errors, isNestedDeeper, type Json, type SourcedProperties } from "@multimaster/core";
import { z } from "zod";
import type { Actor } from "../model/actor.ts";
import type { TryScheduler } from "../resources/tryschedulers.ts";
import type { NewSourceStamp } from "../updates/add-buildset.ts";
import { type ActionContext, defineAction, readByAction } from "./action.ts";

const source = "Try";
/** Properties become rows of every build. */
const maxPropertiesText = 64 * 1024;
const maxDepth = 20;
/** The type of properties. */
const json = z.json() as unknown as z.ZodType<Json, Json>;

const line = (most: number) =>
  z
    .string("must be a text")
    .min(1, "is empty; leave it out")
    .max(most, `is longer than ${most} characters`)
    .refine((text) => !/\p{Cc}/u.test(text), "has characters that cannot be shown");
const level = "must be a whole number from 0 to 9";

const tried = z.strictObject({
  patch: z.string("must be the difference in base64"),
  level: z.int(level).min(0, level).max(9, level).default(1),
  subdir: line(500).refine(isInside, "must name a directory below the checkout, without .. and a leading /").nullish(),
  branch: line(256).nullish(),
  revision: line(256).nullish(),
  who: line(255).optional(),
  comment: z.string("must be a text").max(2000, "is longer than 2000 characters").default(""),
  builderNames: z.array(z.string()).min(1, "is empty; leave it out for all builders").optional(),
  properties: z.record(z.string().min(1).max(256), json).default({}),
  /** Set by the server on every call. */
  owner: z.unknown().optional(),
});

type Tried = z.output<typeof tried>;

/**
 * `POST /api/v2/tryschedulers/<name>`, method `try`: builds a difference that is in no repository, as a stranger's code: without
 * secrets, and in a directory of its own.
 */
export const tryBuild = defineAction(
  readByAction<z.input<typeof tried>>(),
  ({ updates, actor, trail }: ActionContext<TryScheduler>, scheduler: TryScheduler, params) => {
    const asked = readTried(params);
    const builders = [...new Set(asked.builderNames ?? scheduler.builder_names)];
    return {
      about: async () => ({ builders }),
      async perform() {
        if (!scheduler.enabled) throw errors.requestInvalid(`The try scheduler "${scheduler.name}" is disabled.`);
        const wrong = builders.find((name) => !scheduler.builder_names.includes(name));
        if (wrong !== undefined)
          throw errors.requestInvalid(
            `builderNames: "${scheduler.name}" does not try the builder "${wrong}" (have: ${scheduler.builder_names.join(", ")})`,
          );
        const who = asked.who ?? actor.name;
        const added = await updates.buildsets.add(
          {
            reason: `A try by '${who}'${asked.comment === "" ? "" : `: ${asked.comment}`}`,
            sourceStamps: [stampOf(scheduler, asked, who)],
            builders,
            priority: scheduler.priority,
            scheduler: scheduler.name,
            properties: propertiesOf(scheduler, asked, actor),
            askedBy: actor,
          },
          trail,
        );
        return [added.bsid, added.requests] as const;
      },
    };
  },
);

function readTried(params: Readonly<Record<string, Json>>): Tried {
  if (isNestedDeeper(params, maxDepth)) throw errors.requestInvalid(`the try is nested deeper than ${maxDepth} levels`);
  const parsed = tried.safeParse(params);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "params"}: ${describePlainly(issue)}`);
  throw errors.requestInvalid(problems.join("; "));
}

function isInside(path: string): boolean {
  return !/^[/\\]|^[a-zA-Z]:|\\/.test(path) && !path.split("/").includes("..");
}

function stampOf(scheduler: TryScheduler, { level, subdir, branch, revision, comment, patch }: Tried, who: string) {
  const { codebase, repository, project } = scheduler;
  const body = readPatch(patch, scheduler.max_patch_size);
  const stamp: NewSourceStamp = {
    codebase,
    repository,
    project,
    branch: branch ?? scheduler.branch,
    revision: revision ?? null,
    patch: { body, level, subdir: subdir ?? null, author: who, comment },
  };
  return stamp;
}

function readPatch(text: string, most: number): Uint8Array {
  const refuse = (why: string) => errors.requestInvalid(`patch: ${why}`);
  // Base64 is a third longer.
  if (text.length > Math.ceil(most / 3) * 4 + 4) throw refuse(`is larger than ${most} bytes (maxPatchSize)`);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) throw refuse("must be the difference in base64");
  const body = Buffer.from(text, "base64");
  if (body.length === 0) throw refuse("is empty; there is nothing to try");
  if (body.length > most) throw refuse(`is larger than ${most} bytes (maxPatchSize)`);
  if (!/^(?:diff --git |--- |Index: )/m.test(body.toString("latin1")))
    throw refuse('is not a diff; send the output of "git diff" or "diff -u"');
  return body;
}

/** What the config sets wins: a build must not depend on a user's word for it. */
function propertiesOf(
  { name: scheduler, properties: own }: TryScheduler,
  { properties, who }: Tried,
  actor: Actor,
): SourcedProperties {
  if (JSON.stringify(properties).length > maxPropertiesText)
    throw errors.requestInvalid("properties: are larger than 64 KiB");
  const set = own as Readonly<Record<string, Json>>;
  const taken = Object.keys(properties).find(
    (name) => Object.hasOwn(set, name) || ["scheduler", "owner"].includes(name),
  );
  if (taken !== undefined) throw errors.requestInvalid(`properties: "${taken}" is set by the scheduler`);
  const sourced = (values: object, from: string): SourcedProperties =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value as Json, from]]));
  return {
    ...sourced(properties, source),
    ...sourced(set, "Scheduler"),
    owner: [actor.by === "nothing" ? (who ?? actor.name) : actor.name, source],
    scheduler: [scheduler, "Scheduler"],
  };
}
