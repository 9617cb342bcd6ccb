import { fencedTransaction } from "@multimaster/cluster";
import { append, type Json, type Result, type SourcedProperties } from "@multimaster/core";
import {
  adoptBuildset,
  askedTriggersById,
  askTrigger,
  type Connection,
  forgetAskedTriggers,
  forgetTriggered,
  getBuildState,
  hashColumns,
  holdRunningBuild,
  inheritAsker,
  insertTriggered,
  isSchedulerEnabled,
  lockRequest,
  openAwaitedRequests,
  queryRows,
  requestsOfBuildset,
  type TriggerableRow,
  triggerableSchedulers,
  triggeredBuildsets,
  triggeredByEndedRequests,
} from "@multimaster/database";
import { z } from "zod";
import { schedulers } from "../resources/schedulers.ts";
import {
  type AddedBuildset,
  addBuildset,
  type NewBuildset,
  type NewSourceStamp,
  publishBuildset,
  resolveSourceStamps,
} from "./add-buildset.ts";
import { cancelRequest } from "./buildrequests.ts";
import type { Lost } from "./lost.ts";
import type { UpdateContext } from "./update-context.ts";

const codebase = z.object({
  branch: z.string().nullable().default(null),
  revision: z.string().nullable().default(null),
  repository: z.string().default(""),
  project: z.string().default(""),
});

/** Codebases of which its builds always get a source stamp, with what stands in it unless a trigger says otherwise. */
const codebases = z.record(z.string(), codebase).default({});

/** What a triggerable scheduler would build, as its master publishes it for every engine. */
const plainSpec = z.object({
  builders: z.array(z.string()),
  properties: z.record(z.string(), z.json() as unknown as z.ZodType<Json, Json>).default({}),
  priority: z.int().default(0),
  reason: z.string(),
  codebases,
});

/**
 * Of one that decides itself what a trigger builds: now, since it chooses by functions, or at its next time. Engines of an
 * earlier release cannot read it, and fail the step in place of building something else.
 */
const askedSpec = z.object({ asks: z.enum(["now", "later"]), codebases });

export const triggerableSpec = z.union([askedSpec, plainSpec]);

export type TriggerableSpec = z.output<typeof triggerableSpec>;
type PlainSpec = z.output<typeof plainSpec>;

/** A request of a running build that a scheduler builds something. */
export interface Trigger {
  /** Name of a triggerable scheduler. */
  scheduler: string;
  /**
   * Which of the build's triggers this is: the same text in each attempt at the build's request, so that a second
   * attempt, or a repeated call, finds what was triggered before.
   */
  slot: string;
  /** By codebase: a source stamp's id, or what differs from the scheduler's own. */
  sourceStamps: Readonly<Record<string, number | Partial<Omit<NewSourceStamp, "codebase">>>>;
  /** Properties of the new builds, with the source Trigger; they win over the scheduler's. */
  properties: Readonly<Record<string, Json>>;
}

export interface BuildTriggers {
  buildid: number;
  /** The build waits for them: if it is stopped, or its request ends without it, they are cancelled. */
  waitedFor: boolean;
  /** What the new buildsets are to the build, such as "Triggered from". */
  relationship: string;
  triggers: readonly Trigger[];
}

export interface TriggeredBuildset {
  bsid: number;
  scheduler: string;
  /** In the order of the builders. */
  requests: readonly { buildrequestid: number; builder: string }[];
}

/** A trigger that its scheduler decides: now, which `answer` reads, or at its next time. */
export interface TriggerInQuestion {
  scheduler: string;
  asked: number;
  isKept: boolean;
}

/** Records triggers and their outcomes. */
export interface TriggerUpdates {
  /**
   * Adds a buildset for each trigger, or none when one is refused, in one transaction (fenced; the build must run on
   * this master). An open request's earlier attempt may have asked for the same: its buildset is adopted, whether it has
   * ended or not. If it asked for something else in that slot and waited for it, that is cancelled.
   */
  trigger(triggers: BuildTriggers): Promise<(TriggeredBuildset | TriggerInQuestion)[] | { refused: string } | Lost>;
  /** What the scheduler has decided; undefined: nothing yet. */
  answer(asked: TriggerInQuestion): Promise<TriggeredBuildset | { refused: string } | undefined>;
  /** Cancels what is open of these buildsets and was waited for, as `buildrequests.cancel` does. */
  cancelAwaited(bsids: readonly number[], reason: string): Promise<void>;
  /** Results of those of the buildsets that are complete. */
  completed(bsids: readonly number[]): Promise<ReadonlyMap<number, Result>>;
  /** Cancels buildsets whose waiting request has ended, and deletes triggers that no attempt will repeat. */
  tidy(): Promise<void>;
}

export function createTriggerUpdates(context: UpdateContext): TriggerUpdates {
  const { database } = context;
  return {
    trigger: (triggers) => trigger(context, triggers),
    answer: (asked) => readAnswer(database, asked),
    cancelAwaited: (bsids, reason) => cancelAwaited(context, bsids, reason),
    async completed(bsids) {
      const wanted = database.dialect.isOneOf("id", bsids);
      const rows = await queryRows<{ id: number; results: Result }>(
        database,
        `select id, results from buildsets where ${wanted.sql} and complete = 1`,
        wanted.bindings,
      );
      return new Map(rows.map(({ id, results }) => [id, results]));
    },
    async tidy() {
      for (;;) {
        const ended = await triggeredByEndedRequests(database);
        if (ended.length === 0) return forgetAskedTriggers(database);
        // Cancelled before it is deleted: if this master dies in between, another one repeats it.
        await cancelAwaited(context, ended, "the build that waited for it has ended");
        await forgetTriggered(database, ended);
      }
    },
  };
}

/** The outcome of a transaction of triggers. */
interface Outcome {
  sets: (TriggeredBuildset | TriggerInQuestion)[];
  /** Ids of the schedulers that are asked. */
  asked: number[];
  added: { set: AddedBuildset; scheduler: string }[];
  /** Of earlier attempts, which asked for something else. */
  superseded: number[];
}

async function trigger(context: UpdateContext, wanted: BuildTriggers): ReturnType<TriggerUpdates["trigger"]> {
  const { database, lease } = context;
  const outcome = await fencedTransaction(database, lease, async (tx) => {
    const build = await getBuildState(tx, wanted.buildid);
    // The lock of the request serializes a call whose answer was lost and its repetition.
    const request = build && (await lockRequest(tx, build.buildrequestid));
    if (!request || request.complete || !(await holdRunningBuild(tx, wanted.buildid, lease.masterid))) return "lost";
    const found = findSchedulers(await triggerableSchedulers(tx), wanted.triggers);
    if ("refused" in found) return found;
    return addAll(tx, request.id, wanted, found.specs);
  });
  if (outcome === "lost" || "refused" in outcome) return outcome;
  for (const { set, scheduler } of outcome.added) await publishBuildset(context, set, scheduler);
  if (outcome.asked.length > 0) await context.track(context.events.of(schedulers).asked(outcome.asked));
  await cancelAwaited(
    context,
    outcome.superseded,
    "the build that asked for it runs again and asks for something else",
  );
  return outcome.sets;
}

type Specs = ReadonlyMap<string, { schedulerid: number; spec: TriggerableSpec }>;

/** All of them or none: a build whose second scheduler does not exist must not leave the first one's builds behind. */
function findSchedulers(
  rows: readonly TriggerableRow[],
  triggers: readonly Trigger[],
): { specs: Specs } | { refused: string } {
  const specs = new Map<string, { schedulerid: number; spec: TriggerableSpec }>();
  for (const { scheduler } of triggers) {
    const row = rows.find(({ name }) => name === scheduler);
    const known = rows.map(({ name }) => name).join(", ") || "none";
    if (!row) return { refused: `There is no triggerable scheduler "${scheduler}" (have: ${known}).` };
    if (!row.enabled) return { refused: `The triggerable scheduler "${scheduler}" is disabled.` };
    specs.set(scheduler, { schedulerid: row.schedulerid, spec: triggerableSpec.parse(JSON.parse(row.spec)) });
  }
  return { specs };
}

async function addAll(tx: Connection, buildrequestid: number, wanted: BuildTriggers, specs: Specs): Promise<Outcome> {
  const { buildid, waitedFor, relationship, triggers } = wanted;
  const outcome: Outcome = { sets: [], asked: [], added: [], superseded: [] };
  const before = await triggeredBuildsets(tx, buildrequestid);
  for (const one of triggers) {
    const { scheduler, slot } = one;
    const { schedulerid, spec } = specs.get(scheduler) as { schedulerid: number; spec: TriggerableSpec };
    const isAsked = "asks" in spec;
    const what = isAsked ? { ...one, waitedFor } : describeBuildset(one, spec, waitedFor);
    const fingerprint = hashColumns(JSON.stringify(what));
    const former = before.filter((row) => row.slot === slot);
    let bsid = former.find((row) => row.fingerprint === fingerprint)?.bsid;
    append(
      outcome.superseded,
      former.map((row) => row.bsid).filter((id) => id !== bsid),
    );
    if (bsid === undefined && isAsked) {
      const sourceStamps = await resolveSourceStamps(tx, mergeSourceStamps(one.sourceStamps, spec));
      const { properties } = one;
      const isKept = spec.asks === "later";
      const asked = { schedulerid, buildid, buildrequestid, slot, fingerprint, relationship, sourceStamps, properties };
      // No build waits until a time comes.
      const id = await askTrigger(tx, { ...asked, waitedFor: waitedFor && !isKept });
      outcome.asked.push(schedulerid);
      outcome.sets.push({ scheduler, asked: id, isKept });
      continue;
    }
    if (bsid === undefined) {
      const set = await addBuildset(tx, {
        ...(what as NewBuildset),
        parentBuildid: buildid,
        parentRelationship: relationship,
      });
      bsid = set.bsid;
      await inheritAsker(tx, bsid, buildid);
      await insertTriggered(tx, { bsid, buildrequestid, slot, fingerprint });
      outcome.added.push({ set, scheduler });
    } else await adoptBuildset(tx, bsid, buildid);
    outcome.sets.push({ bsid, scheduler, requests: await requestsOfBuildset(tx, bsid) });
  }
  return outcome;
}

async function readAnswer(
  connection: Connection,
  { scheduler, asked }: TriggerInQuestion,
): Promise<TriggeredBuildset | { refused: string } | undefined> {
  const [row] = await askedTriggersById(connection, [asked]);
  if (row?.outcome === null) {
    // No one decides it until the scheduler is enabled again.
    if (await isSchedulerEnabled(connection, row.schedulerid)) return undefined;
    const what = `The scheduler "${scheduler}" was disabled before it chose what to build.`;
    return { refused: `${what} Enable it and run the build again.` };
  }
  if (row?.outcome === "built" && row.buildsetid !== null)
    return { bsid: row.buildsetid, scheduler, requests: await requestsOfBuildset(connection, row.buildsetid) };
  const why = row?.refusal ?? "it was asked for something else meanwhile";
  return { refused: `The scheduler "${scheduler}" has not chosen what to build: ${why}.` };
}

function describeBuildset(one: Trigger, spec: PlainSpec, waitedFor: boolean): NewBuildset {
  const { scheduler, properties } = one;
  const sourced = (values: Trigger["properties"], source: string): SourcedProperties =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value, source]]));
  const asked = properties["reason"];
  return {
    reason: typeof asked === "string" && asked !== "" ? asked : spec.reason,
    sourceStamps: mergeSourceStamps(one.sourceStamps, spec),
    builders: spec.builders,
    properties: {
      scheduler: [scheduler, "Scheduler"],
      ...sourced(spec.properties, "Scheduler"),
      ...sourced(properties, "Trigger"),
    },
    scheduler,
    priority: spec.priority,
    waitedFor,
  };
}

/** One per codebase of the scheduler and of the trigger; without any, one that says nothing. */
function mergeSourceStamps(
  given: Trigger["sourceStamps"],
  { codebases }: Pick<TriggerableSpec, "codebases">,
): (NewSourceStamp | number)[] {
  const names = [...new Set([...Object.keys(codebases), ...Object.keys(given)])];
  const nothing = { branch: null, revision: null, repository: "", project: "" };
  return (names.length === 0 ? [""] : names).map((codebase) => {
    const stamp = given[codebase];
    return typeof stamp === "number" ? stamp : { ...nothing, ...codebases[codebase], ...stamp, codebase };
  });
}

async function cancelAwaited(context: UpdateContext, bsids: readonly number[], reason: string): Promise<void> {
  if (bsids.length === 0) return;
  for (const id of await openAwaitedRequests(context.database, bsids)) await cancelRequest(context, id, reason);
}
