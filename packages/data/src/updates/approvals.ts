import { fencedTransaction } from "@multimaster/cluster";
import { errors, isRequestRef } from "@multimaster/core";
import {
  askApprovals,
  type Connection,
  decideApproval,
  expiredApprovals,
  lockRequest,
  looseStamps,
  type WantedApproval,
} from "@multimaster/database";
import type { Actor, Trail } from "../model/actor.ts";
import { buildrequests } from "../resources/buildrequests.ts";
import { cancelRequest } from "./buildrequests.ts";
import type { UpdateContext } from "./update-context.ts";

export type { WantedApproval };

/** Who decides about a request, and what the user says about it. */
export interface Deciding {
  readonly actor: Pick<Actor, "name">;
  readonly reason: string | null;
  readonly trail: Trail;
}

export interface ApprovalUpdates {
  /** Asks for approvals, each once, and resolves to the requests that are approved (fenced). */
  ask(wanted: readonly WantedApproval[]): Promise<readonly number[]>;
  /** A user approves: engines may start the request. Throws a sentence if it does not wait for that. */
  approve(buildrequestid: number, by: Deciding): Promise<void>;
  /** A user rejects: the request ends CANCELLED. */
  reject(buildrequestid: number, by: Deciding): Promise<void>;
  /** Requests about which no one has decided in time end CANCELLED. */
  expire(): Promise<void>;
}

export function createApprovalUpdates(context: UpdateContext): ApprovalUpdates {
  const { database, lease, events, track } = context;
  return {
    ask: (wanted) => fencedTransaction(database, lease, (tx) => askApprovals(tx, wanted)),
    async approve(id, { actor, reason, trail }) {
      await database.transaction(async (tx) => {
        const request = await lockRequest(tx, id);
        if (!request || request.complete || request.cancelled) throw notWaiting(id);
        const problem = await findLooseCode(tx, id);
        if (problem !== undefined) throw errors.approvalImpossible(problem);
        if (!(await decideApproval(tx, id, { decision: "approved", by: actor.name, reason }))) throw notWaiting(id);
        await trail(tx);
      });
      await track(events.of(buildrequests).unclaimed([id]));
    },
    async reject(id, { actor, reason, trail }) {
      const decision = { decision: "rejected", by: actor.name, reason } as const;
      const why = `${actor.name} rejected it${reason === null ? "" : `: ${reason}`}`;
      const decide = async (tx: Connection) => {
        if (!(await decideApproval(tx, id, decision))) throw notWaiting(id);
        await trail(tx);
      };
      if ((await cancelRequest(context, id, why, { pendingOnly: true, trail: decide })) !== "cancelled")
        throw notWaiting(id);
    },
    async expire() {
      const decision = { decision: "expired", by: null, reason: null } as const;
      for (const id of await expiredApprovals(database)) {
        const trail = async (tx: Connection) => {
          if (!(await decideApproval(tx, id, decision))) throw new Decided();
        };
        try {
          const answer = await cancelRequest(context, id, "no one approved it in time", { pendingOnly: true, trail });
          // It ended otherwise.
          if (answer !== "cancelled") await decideApproval(database, id, decision);
        } catch (error) {
          if (!(error instanceof Decided)) throw error;
        }
      }
    },
  };
}

/** A user has decided at the last moment: that counts. */
class Decided extends Error {}

function notWaiting(id: number) {
  return errors.approvalImpossible(`The build request ${id} does not wait for an approval.`);
}

/** Why no one can know which code an approval would be of. */
async function findLooseCode(tx: Connection, id: number): Promise<string | undefined> {
  const { loose, fixed } = await looseStamps(tx, id);
  // Of a revision that is no whole one, the branch says nothing: it may be a stranger's.
  const first =
    loose.find(({ branch, revision }) => isRequestRef(branch) || revision !== "") ??
    (fixed === 0 ? loose[0] : undefined);
  if (first === undefined) return undefined;
  const named = first.branch || "its branch";
  if (first.revision !== "")
    return `The build request ${id} names the revision ${JSON.stringify(first.revision)} of ${named}, which may mean other code when it starts; request a build of one revision by its whole hash instead.`;
  return `The build request ${id} names no revision of ${named}, so it would build whatever is there when it starts; request a build of one revision instead.`;
}
