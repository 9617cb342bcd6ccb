import { fencedTransaction } from "@multimaster/cluster";
import type { Json } from "@multimaster/core";
import {
  type AskedTriggerRow,
  type Connection,
  getBuildState,
  holdAskedTrigger,
  holdScheduler,
  inheritAsker,
  insertTriggered,
  namesOfBuilds,
  openTriggers,
  readSources,
  settleTrigger,
  supersedeTriggers,
} from "@multimaster/database";
import {
  type AddedBuildset,
  addBuildset,
  type NewBuildset,
  type NewSourceStamp,
  publishBuildset,
} from "./add-buildset.ts";
import type { Lost } from "./lost.ts";
import type { UpdateContext } from "./update-context.ts";

/** A build's trigger that the scheduler decides, since it chooses by functions or builds it at its next time. */
export interface AskedBuilds {
  id: number;
  /** The build that asked, as far as it is still known. */
  build: { buildid: number; builder: string; number: number };
  sourceStamps: readonly (NewSourceStamp & { ssid: number })[];
  changeids: readonly number[];
  /** What the trigger sets. */
  properties: Readonly<Record<string, Json>>;
}

export interface AskedTriggerUpdates {
  /** Triggers of the scheduler of which it has decided nothing, oldest first. */
  openTriggers(schedulerid: number): Promise<AskedBuilds[]>;
  /**
   * Adds the buildset of a trigger, or refuses it with a sentence (fenced, claim checked). "taken", with nothing added: it was
   * decided before, or the build that asked is over.
   */
  decideTrigger(
    schedulerid: number,
    id: number,
    decision: { buildset: NewBuildset } | { refused: string },
  ): Promise<AddedBuildset | "refused" | "taken" | Lost>;
}

/** Triggers that are read in one query. */
const triggerLimit = 100;

export function createAskedTriggerUpdates(context: UpdateContext): AskedTriggerUpdates {
  const { database, lease } = context;
  return {
    openTriggers: async (schedulerid) =>
      describeAsked(database, await openTriggers(database, schedulerid, triggerLimit)),
    async decideTrigger(schedulerid, id, decision) {
      const decided = await fencedTransaction(database, lease, async (tx) =>
        (await holdScheduler(tx, schedulerid, lease.masterid)) ? decide(tx, schedulerid, id, decision) : "lost",
      );
      if (typeof decided === "object" && "buildset" in decision)
        await publishBuildset(context, decided, decision.buildset.scheduler);
      return decided;
    },
  };
}

async function describeAsked(connection: Connection, rows: readonly AskedTriggerRow[]): Promise<AskedBuilds[]> {
  if (rows.length === 0) return [];
  const [sources, builds] = [
    await readSources(connection, [...new Set(rows.flatMap(({ sourceStamps }) => sourceStamps))]),
    await namesOfBuilds(
      connection,
      rows.map(({ buildid }) => buildid),
    ),
  ];
  return rows.map(({ id, buildid, sourceStamps, properties }) => {
    const own = sources.filter(({ ssid }) => sourceStamps.includes(ssid));
    const stamps = new Map(own.map(({ changeid: _, ...stamp }) => [stamp.ssid, stamp]));
    return {
      id,
      build: builds.get(buildid) ?? { buildid, builder: "", number: 0 },
      sourceStamps: [...stamps.values()],
      changeids: own.flatMap(({ changeid }) => changeid ?? []).sort((a, b) => a - b),
      properties,
    };
  });
}

async function decide(
  tx: Connection,
  schedulerid: number,
  id: number,
  decision: { buildset: NewBuildset } | { refused: string },
): Promise<AddedBuildset | "refused" | "taken"> {
  const row = await holdAskedTrigger(tx, schedulerid, id);
  if (!row) return "taken";
  if ("refused" in decision) {
    await settleTrigger(tx, id, "refused", { refusal: decision.refused });
    return "refused";
  }
  const build = await getBuildState(tx, row.buildid);
  if (!build || build.complete) {
    await settleTrigger(tx, id, "gone");
    return "taken";
  }
  const added = await addAsked(tx, row, decision.buildset);
  const { buildrequestid, slot, fingerprint } = row;
  await insertTriggered(tx, { bsid: added.bsid, buildrequestid, slot, fingerprint });
  return added;
}

/** Builds the newest trigger that a scheduler kept, in the transaction of its slot; undefined: it is not there any more. */
export async function buildKept(
  tx: Connection,
  schedulerid: number,
  id: number,
  buildset: NewBuildset,
): Promise<AddedBuildset | undefined> {
  const row = await holdAskedTrigger(tx, schedulerid, id);
  if (!row) return undefined;
  await supersedeTriggers(tx, schedulerid, id);
  return addAsked(tx, row, buildset);
}

/** What the trigger sets wins over the scheduler's, as with every triggerable scheduler. */
async function addAsked(tx: Connection, row: AskedTriggerRow, buildset: NewBuildset): Promise<AddedBuildset> {
  const { id, buildid, relationship, waitedFor, properties } = row;
  const asked = properties["reason"];
  const set = Object.entries(properties).map(([name, value]) => [name, [value, "Trigger"]] as const);
  const added = await addBuildset(tx, {
    ...buildset,
    ...(typeof asked === "string" && asked !== "" ? { reason: asked } : {}),
    properties: { ...buildset.properties, ...Object.fromEntries(set) },
    waitedFor,
    parentBuildid: buildid,
    parentRelationship: relationship,
  });
  await inheritAsker(tx, added.bsid, buildid);
  await settleTrigger(tx, id, "built", { buildsetid: added.bsid });
  return added;
}
