import { type Lease, release } from "@multimaster/cluster";
import { append } from "@multimaster/core";
import type { Connection } from "@multimaster/database";
import { type Claimable, claimTableOf } from "./claim-tables.ts";
import type { Outcomes } from "./outcomes.ts";
import { type Transition, transition } from "./transition.ts";

/** A claim of this master is released, where nothing else ends: of a scheduler or a change source. */
export async function releaseClaim(
  tx: Connection,
  lease: Lease,
  kind: Exclude<Claimable, "request" | "worker">,
  id: number,
): Promise<Outcomes> {
  return (await transition(tx, (t) => releaseClaims(t, lease, kind, [id]))).outcomes;
}

/** Claims of this master are released: those of these that it has. Returns their ids. */
export async function releaseClaims(
  t: Transition,
  lease: Lease,
  kind: Claimable,
  ids: readonly number[],
): Promise<number[]> {
  const released = await release(t.tx, lease, claimTableOf(kind), ids);
  noteReleased(t, kind, lease.masterid, released);
  return released;
}

/** Notes that claims were released. */
export function noteReleased(t: Transition, kind: Claimable, masterid: number, ids: readonly number[]): void {
  append(t.outcomes.released[kind], ids);
  const { releasedAs } = claimTableOf(kind);
  if (releasedAs !== null) for (const id of ids) t.record(releasedAs, id, { masterid });
}
