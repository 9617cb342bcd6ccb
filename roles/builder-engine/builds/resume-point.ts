import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type Properties, Results } from "@multimaster/core";
import type { AdoptedBuild } from "@multimaster/data";
import { z } from "zod";
import type { Secrets } from "../logs/secrets.ts";
import type { EngineBuilder } from "../slice.ts";
import { replaceCode } from "../steps/describe-addition.ts";
import type { StepResume } from "../steps/step-commands.ts";

/** What an engine that adopts a build needs to know beside the build's rows; stored with the command that runs. */
export const resumePoint = z.object({
  /** The step of the config that runs, counted from 0. */
  step: z.int().nonnegative(),
  /** How the build stood before it, and what its earlier steps said. */
  standing: z.object({ results: z.literal(Object.values(Results)), halted: z.boolean(), text: z.string().optional() }),
  texts: z.array(z.string()),
  /** Ids of the patches that its steps have read. */
  patches: z.array(z.int()).default([]),
  /** Of the builder, so that no build goes on by another config. */
  hash: z.string(),
});
export type ResumePoint = z.infer<typeof resumePoint>;

/** A build that goes on here, and from where. */
export interface Adoption {
  readonly build: AdoptedBuild;
  readonly point: ResumePoint;
}

/** Parses what is stored; undefined: a newer release wrote something else. */
export function parseResumePoint(text: string): ResumePoint | undefined {
  try {
    return resumePoint.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** A hash of what a builder does. Functions count by their source text. */
export function hashBuilder({ steps, env }: Pick<EngineBuilder, "steps" | "env">): string {
  const plain = steps.map(({ plugin, options }) => [plugin.type, options]);
  const text = JSON.stringify([plain, env], replaceCode);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** Whether the rows say all that a build knows: no secret that only this engine has learnt, no property that was masked. */
export function isWhollyStored(properties: Properties, secrets: Secrets): boolean {
  if (secrets.hasLearnt) return false;
  return Object.entries(properties.toJSON()).every(
    ([name, [value]]) => secrets.hide(name) === name && isDeepStrictEqual(secrets.hideIn(value), value),
  );
}

/** What the step that runs of an adopted build has begun. */
export function listBegun({ commandId, logs }: AdoptedBuild): NonNullable<StepResume["begun"]> {
  return { commandId, logs: new Map(logs.map(({ name, ...log }) => [name, log])) };
}
