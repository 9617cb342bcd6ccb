import { fencedTransaction } from "@multimaster/cluster";
import type { Result, SourcedProperties } from "@multimaster/core";
import { append } from "@multimaster/core";
import {
  adoptBuildset,
  type Connection,
  forgetTriggered,
  getBuildState,
  hashColumns,
  holdRunningBuild,
  inheritAsker,
  insertTriggered,
  lockRequest,
  openAwaitedRequests,
  queryRows,
  requestsOfBuildset,
  type TriggerableRow,
  triggerableSchedulers,
  triggeredBuildsets,
  triggeredByEndedRequests,
} from "@multimaster/database";
import type { AddedBuildset, NewBuildset, NewSourceStamp } from "../contract.ts";
import { addBuildset, announceBuildset } from "./add-buildset.ts";
import { cancelRequest } from "./buildrequests.ts";
import {
  type BuildTriggers,
  type Trigger,
  type TriggerableSpec,
  type TriggeredBuildset,
  type TriggerUpdates,
  triggerableSpec,
} from "./trigger-interface.ts";
import type { UpdateContext } from "./update-context.ts";

export function createTriggerUpdates(context: UpdateContext): TriggerUpdates {
  const { database } = context;
  return {
    trigger: (triggers) => trigger(context, triggers),
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
        if (ended.length === 0) return;
        // First cancelled, then forgotten: who dies in between leaves it to the next one.
        await cancelAwaited(context, ended, "the build that waited for it has ended");
        await forgetTriggered(database, ended);
      }
    },
  };
}

/** What a transaction made of triggers. */
interface Outcome {
  sets: TriggeredBuildset[];
  added: { set: AddedBuildset; scheduler: string }[];
  /** Of earlier attempts, which asked for something else. */
  superseded: number[];
}

async function trigger(context: UpdateContext, wanted: BuildTriggers): ReturnType<TriggerUpdates["trigger"]> {
  const { database, lease } = context;
  const outcome = await fencedTransaction(database, lease, async (tx) => {
    const build = await getBuildState(tx, wanted.buildid);
    // The request's lock makes a call whose answer was lost and its repetition come one after the other.
    const request = build && (await lockRequest(tx, build.buildrequestid));
    if (!request || request.complete || !(await holdRunningBuild(tx, wanted.buildid, lease.masterid))) return "lost";
    const schedulers = findSchedulers(await triggerableSchedulers(tx), wanted.triggers);
    if ("refused" in schedulers) return schedulers;
    return addAll(tx, request.id, wanted, schedulers.specs);
  });
  if (outcome === "lost" || "refused" in outcome) return outcome;
  for (const { set, scheduler } of outcome.added) await announceBuildset(context, set, scheduler);
  await cancelAwaited(
    context,
    outcome.superseded,
    "the build that asked for it runs again and asks for something else",
  );
  return outcome.sets;
}

/** All of them or none: a build whose second scheduler does not exist must not leave the first one's builds behind. */
function findSchedulers(
  rows: readonly TriggerableRow[],
  triggers: readonly Trigger[],
): { specs: ReadonlyMap<string, TriggerableSpec> } | { refused: string } {
  const specs = new Map<string, TriggerableSpec>();
  for (const { scheduler } of triggers) {
    const row = rows.find(({ name }) => name === scheduler);
    const known = rows.map(({ name }) => name).join(", ") || "none";
    if (!row) return { refused: `There is no triggerable scheduler "${scheduler}" (have: ${known}).` };
    if (!row.enabled) return { refused: `The triggerable scheduler "${scheduler}" is disabled.` };
    specs.set(scheduler, triggerableSpec.parse(JSON.parse(row.spec)));
  }
  return { specs };
}

async function addAll(
  tx: Connection,
  buildrequestid: number,
  { buildid, waitedFor, relationship, triggers }: BuildTriggers,
  specs: ReadonlyMap<string, TriggerableSpec>,
): Promise<Outcome> {
  const outcome: Outcome = { sets: [], added: [], superseded: [] };
  const before = await triggeredBuildsets(tx, buildrequestid);
  for (const one of triggers) {
    const { scheduler, slot } = one;
    const buildset = describeBuildset(one, specs.get(scheduler) as TriggerableSpec, waitedFor);
    const fingerprint = hashColumns(JSON.stringify(buildset));
    const former = before.filter((row) => row.slot === slot);
    let bsid = former.find((row) => row.fingerprint === fingerprint)?.bsid;
    append(
      outcome.superseded,
      former.map((row) => row.bsid).filter((id) => id !== bsid),
    );
    if (bsid === undefined) {
      const set = await addBuildset(tx, { ...buildset, parentBuildid: buildid, parentRelationship: relationship });
      bsid = set.bsid;
      await inheritAsker(tx, bsid, buildid);
      await insertTriggered(tx, { bsid, buildrequestid, slot, fingerprint });
      outcome.added.push({ set, scheduler });
    } else await adoptBuildset(tx, bsid, buildid);
    outcome.sets.push({ bsid, scheduler, requests: await requestsOfBuildset(tx, bsid) });
  }
  return outcome;
}

function describeBuildset(one: Trigger, spec: TriggerableSpec, waitedFor: boolean): NewBuildset {
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
  { codebases }: TriggerableSpec,
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
