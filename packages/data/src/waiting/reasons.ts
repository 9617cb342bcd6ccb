import type { Json } from "@multimaster/core";
import type { z } from "zod";
import { entity, identifier, jsonObject, text } from "../model/field-kinds.ts";

/** Why something waits: a word for programs, what it is about, and a sentence for people. */
export const reason = entity("reason", { kind: identifier(32), sentence: text, facts: jsonObject });

export type Reason = z.output<typeof reason>;

/** Every kind of reason there is. */
export type ReasonKind =
  // Of a build request, before its builder matters
  | "complete"
  | "building"
  | "cancelled"
  | "starting"
  | "last_try"
  | "not_collapsed"
  | "retry_delay"
  | "awaits_approval"
  // Of a builder
  | "no_engine"
  | "engine_lost"
  | "engine_unresponsive"
  | "master_draining"
  | "max_builds"
  | "outside_hours"
  | "locked"
  | "no_worker"
  | "worker_away"
  | "worker_elsewhere"
  | "worker_paused"
  | "worker_quarantined"
  | "worker_graceful"
  | "worker_busy"
  | "worker_hours"
  | "worker_load"
  | "capacity_kept"
  | "directory_in_use"
  | "refused"
  | "reserved"
  | "instance_due"
  | "instance_starting"
  | "instances_busy"
  | "instances_closed"
  | "start_failed"
  | "claiming"
  // Of changes
  | "scheduler_disabled"
  | "no_scheduler"
  | "not_important"
  | "timer"
  | "next_run"
  | "scheduler_failing"
  | "submitting";

export function because(kind: ReasonKind, sentence: string, facts: { readonly [name: string]: Json } = {}): Reason {
  return { facts, kind, sentence };
}

/** A time in a sentence, in UTC to the second; `at` in seconds since 1970. */
export const describeTime = (at: number): string => new Date(at * 1000).toISOString().replace(/\.\d+Z$/, "Z");

/** When a function that refused is asked again; the answer to a time that is over has not come yet. */
export function describeAsking(until: number | null | undefined, now = Date.now() / 1000): string {
  if (until === null || until === undefined) return "";
  return until > now ? `; it is asked again at ${describeTime(until)}` : "; it is being asked again now";
}

/** The names, or the first few of many. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 5);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(", ")} and ${rest} more`;
  return shown.length < 2 ? shown.join() : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** Entries of a list in the facts of a reason: a reader who needs all of them reads the things themselves. */
export const mostFacts = 20;

/** As many as a reason carries in its facts. */
export const someNames = (names: readonly string[]): string[] => names.slice(0, mostFacts);

/** How many that leaves out. */
export const countOthers = (all: readonly unknown[]): number => Math.max(0, all.length - mostFacts);
