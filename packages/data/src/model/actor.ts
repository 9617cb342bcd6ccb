import { hostname, userInfo } from "node:os";
import { type Connection, insertAuditRow } from "@multimaster/database";

/** How somebody showed who they are. */
export type ActorKind = "nothing" | "session" | "proxy" | "token" | "command line";

/** Who acts. */
export interface Actor {
  /** Unique and not to be chosen by others: `user:ann`, `token:nightly`, `anonymous`, or a provider's issuer and subject. */
  readonly identity: string;
  /** What people, and Buildbot's `owner`, call them. */
  readonly name: string;
  readonly by: ActorKind;
  /** From where. */
  readonly address: string | null;
}

export const anonymousActor: Actor = { identity: "anonymous", name: "anonymous", by: "nothing", address: null };

/** Who runs a command that writes into the database. */
export function commandLineActor(): Actor {
  const { username } = userInfo();
  return { identity: `system:${username}@${hostname()}`, name: username, by: "command line", address: null };
}

/** Writes the audit row of an action in the transaction of what the action writes: both are there, or neither. */
export type Trail = (tx: Connection) => Promise<void>;

/** The trail of one action. */
export function createTrail(actor: Actor, action: string, object: string, detail?: string): Trail {
  return (tx) =>
    insertAuditRow(tx, { ...auditedActor(actor), action, object, outcome: "done", detail: detail ?? null });
}

/** The part of an audit row that says who. */
export function auditedActor({ identity, name, by, address }: Actor) {
  return { who: identity, name, by, address };
}
