import { claim, fencedTransaction } from "@multimaster/cluster";
import { epochSeconds } from "@multimaster/core";
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
import type { ChangeSourceUpdates } from "../contract.ts";
import { changes as changeResource } from "../resources/changes.ts";
import { changeRow } from "./changes.ts";
import type { UpdateContext } from "./update-context.ts";

export function createChangeSourceUpdates({
  database,
  lease,
  events,
  clock,
  announce,
  announceOutcomes,
}: UpdateContext): ChangeSourceUpdates {
  return {
    register: async (names) => (await database.transaction((tx) => findOrCreateNamed(tx, "changesources", names))).ids,
    claim: async (changesourceid) => (await claim(database, lease, claimTables.changeSource, changesourceid)).kind,
    async release(changesourceid) {
      const outcomes = await database.transaction((tx) => releaseClaim(tx, lease, "changeSource", changesourceid));
      await announceOutcomes(outcomes);
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
      if (ids !== "lost") await announce(events.of(changeResource).new(ids));
      return ids;
    },
    async requestPolls(changesourceids) {
      // In one order, so that two who ask for the same ones do not wait for each other.
      const ids = [...changesourceids].sort((a, b) => a - b);
      await database.transaction(async (tx) => {
        for (const id of ids) await insertPollRequest(tx, id);
      });
      for (const id of ids) await announce(events.publishControl("changesources", id, "poll", {}));
    },
    async takePollRequests(changesourceids) {
      // There are hardly ever any: a read without a transaction finds that out.
      const asked = await findPollRequests(database, changesourceids);
      if (asked.length === 0) return [];
      return fencedTransaction(database, lease, (tx) => takePollRequests(tx, lease.masterid, asked));
    },
  };
}
