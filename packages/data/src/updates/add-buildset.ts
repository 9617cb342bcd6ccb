import { writesDataVersion } from "@multimaster/cluster";
import { errors, type SourcedProperties } from "@multimaster/core";
import {
  type Connection,
  findOrCreateNamed,
  findOrCreateSourceStamp,
  insertAsker,
  insertBuildset,
  missingBuilders,
  missingSourceStamps,
  type PatchRow,
} from "@multimaster/database";
import { completeBuildsets, noteBuildset } from "@multimaster/lifecycle";
import { anonymousActor } from "../model/actor.ts";
import { buildrequests } from "../resources/buildrequests.ts";
import { buildsets } from "../resources/buildsets.ts";
import type { UpdateContext } from "./update-context.ts";

/** Masters below this data version would build a source stamp without its patch. */
const patchedSince = 2;

export interface NewSourceStamp {
  branch: string | null;
  revision: string | null;
  repository: string;
  project: string;
  codebase: string;
  /** A difference to apply after the checkout. */
  patch?: PatchRow | undefined;
}

export interface NewBuildset {
  reason: string;
  /** Existing source stamps by id, or new ones (found or created by their hash). At least one. */
  sourceStamps: readonly (NewSourceStamp | number)[];
  /** Builders by name (rows are made if no engine has configured them yet) or by id. */
  builders: readonly (string | number)[];
  properties?: SourcedProperties;
  /** Name of the scheduler, "rebuild", or null; part of the `buildsets.<id>.new` event. */
  scheduler: string | null;
  externalId?: string | null;
  priority?: number;
  waitedFor?: boolean;
  parentBuildid?: number | null;
  parentRelationship?: string | null;
  rebuiltBuildid?: number | null;
  /** The user who asked for it, as the server authenticated them: an owner's rights depend on this, and on no property. */
  askedBy?: { readonly identity: string; readonly name: string } | undefined;
}

export interface AddedBuildset {
  bsid: number;
  /** Build request ids by builder id. */
  requests: Readonly<Record<string, number>>;
}

/** Writes a buildset with its requests in the caller's transaction; `publishBuildset` follows the commit. */
export async function addBuildset(tx: Connection, buildset: NewBuildset): Promise<AddedBuildset> {
  if (buildset.sourceStamps.length === 0) throw errors.requestInvalid("A buildset needs at least one source stamp.");
  await requirePatchReaders(tx, buildset.sourceStamps);
  const [sourcestampids, builderids] = await Promise.all([
    resolveSourceStamps(tx, buildset.sourceStamps),
    resolveBuilders(tx, buildset.builders),
  ]);
  const { bsid, requests } = await insertBuildset(tx, {
    externalId: buildset.externalId ?? null,
    reason: buildset.reason,
    parentBuildid: buildset.parentBuildid ?? null,
    parentRelationship: buildset.parentRelationship ?? null,
    rebuiltBuildid: buildset.rebuiltBuildid ?? null,
    sourcestampids,
    builderids,
    properties: buildset.properties ?? {},
    priority: buildset.priority ?? 0,
    waitedFor: buildset.waitedFor ?? false,
  });
  await Promise.all([
    buildset.askedBy &&
      buildset.askedBy.identity !== anonymousActor.identity &&
      insertAsker(tx, bsid, buildset.askedBy),
    noteBuildset(tx, bsid, requests.size),
  ]);
  // A buildset without requests succeeds immediately.
  if (requests.size === 0) await completeBuildsets(tx, [bsid]);
  return { bsid, requests: Object.fromEntries(requests) };
}

async function requirePatchReaders(tx: Connection, stamps: NewBuildset["sourceStamps"]): Promise<void> {
  const isPatched = stamps.some((stamp) => typeof stamp !== "number" && stamp.patch !== undefined);
  if (!isPatched || (await writesDataVersion(tx, patchedSince))) return;
  throw errors.requestInvalid(
    "The cluster accepts no patch while a master of an earlier release runs, which would build without it. Send it again after the upgrade.",
  );
}

/** The ids of source stamps; new ones are found or made. */
export async function resolveSourceStamps(tx: Connection, stamps: NewBuildset["sourceStamps"]): Promise<number[]> {
  const missing = await missingSourceStamps(
    tx,
    stamps.filter((stamp) => typeof stamp === "number"),
  );
  if (missing.length > 0) throw errors.requestInvalid(`There is no source stamp ${missing.join(", ")}.`);
  const ids: number[] = [];
  for (const stamp of stamps) ids.push(typeof stamp === "number" ? stamp : await findOrCreateSourceStamp(tx, stamp));
  return ids;
}

async function resolveBuilders(tx: Connection, builders: NewBuildset["builders"]): Promise<number[]> {
  const missing = await missingBuilders(
    tx,
    builders.filter((builder) => typeof builder === "number"),
  );
  if (missing.length > 0) throw errors.requestInvalid(`There is no builder ${missing.join(", ")}.`);
  const { ids } = await findOrCreateNamed(
    tx,
    "builders",
    builders.filter((builder) => typeof builder === "string"),
  );
  return builders.map((builder) => (typeof builder === "string" ? (ids.get(builder) as number) : builder));
}

export async function publishBuildset(
  { events, track }: UpdateContext,
  { bsid, requests }: AddedBuildset,
  scheduler: string | null,
): Promise<void> {
  const ids = Object.values(requests);
  await track(events.of(buildsets).new([bsid], { scheduler }));
  await track(events.of(buildrequests).new(ids));
  if (ids.length === 0) await track(events.of(buildsets).complete([bsid]));
}
