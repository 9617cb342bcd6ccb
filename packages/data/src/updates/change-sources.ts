import { type Claim, claim, fencedTransaction } from "@multimaster/cluster";
import { epochSeconds, type Json } from "@multimaster/core";
import {
  findOrCreateNamed,
  findPollRequests,
  getObjectState,
  holdChangeSource,
  insertChange,
  insertPollRequest,
  setObjectState,
  takePollRequests,
} from "@multimaster/database";
import { claimTables, releaseClaim } from "@multimaster/lifecycle";
import { changes as changeResource } from "../resources/changes.ts";
import { changeRow } from "./changes.ts";
import type { Lost } from "./lost.ts";
import type { NewChange } from "./new-change.ts";
import type { StateKey } from "./object-state.ts";
import type { UpdateContext } from "./update-context.ts";

export interface ChangeSourceUpdates {
  register(names: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Claims the change source (fenced); "claimed" as well when this master already has it. */
  claim(changesourceid: number): Promise<Claim>;
  release(changesourceid: number): Promise<void>;
  /** Saved state, as Buildbot keeps it (objects.name, objects.class_name, object_state.name); undefined when none. */
  getState(source: StateKey): Promise<Json | undefined>;
  /**
   * Adds what a poll found and saves how far it got in one transaction (fenced, claim checked): a crash in between
   * neither loses nor doubles a change. Resolves to the new change ids.
   */
  addPolled(
    changesourceid: number,
    changes: readonly NewChange[],
    state: StateKey & { value: Json },
  ): Promise<number[] | Lost>;
  /** Asks change sources to poll now, on any master: a row each, then a `control.changesources.<id>.poll`. */
  requestPolls(changesourceids: readonly number[]): Promise<void>;
  /** Those of them that this master has and that were asked since the last call (fenced). */
  takePollRequests(changesourceids: readonly number[]): Promise<number[]>;
}

export function createChangeSourceUpdates({
  database,
  lease,
  events,
  clock,
  track,
  publishOutcomes,
}: UpdateContext): ChangeSourceUpdates {
  return {
    register: async (names) => (await database.transaction((tx) => findOrCreateNamed(tx, "changesources", names))).ids,
    claim: (changesourceid) => claim(database, lease, claimTables.changeSource, changesourceid),
    async release(changesourceid) {
      const outcomes = await database.transaction((tx) => releaseClaim(tx, lease, "changeSource", changesourceid));
      await publishOutcomes(outcomes);
    },
    getState: (source) => getObjectState(database, source),
    async addPolled(changesourceid, changes, state) {
      const now = epochSeconds(clock);
      const ids = await fencedTransaction(database, lease, async (tx) => {
        if (!(await holdChangeSource(tx, changesourceid, lease.masterid))) return "lost";
        const added: number[] = [];
        for (const change of changes) added.push(await insertChange(tx, changeRow(change, now)));
        await setObjectState(tx, state, state.value);
        return added;
      });
      if (ids !== "lost") await track(events.of(changeResource).new(ids));
      return ids;
    },
    async requestPolls(changesourceids) {
      // In one order, so that two concurrent calls do not deadlock.
      const ids = [...changesourceids].sort((a, b) => a - b);
      await database.transaction(async (tx) => {
        for (const id of ids) await insertPollRequest(tx, id);
      });
      for (const id of ids) await track(events.publishControl("changesources", id, "poll", {}));
    },
    async takePollRequests(changesourceids) {
      // Requests are rare: a read without a transaction finds that there are none.
      const asked = await findPollRequests(database, changesourceids);
      if (asked.length === 0) return [];
      return fencedTransaction(database, lease, (tx) => takePollRequests(tx, lease.masterid, asked));
    },
  };
}
