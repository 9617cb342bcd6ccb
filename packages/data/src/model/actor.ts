import { hostname, userInfo } from "node:os";
import { type Connection, insertAuditRow } from "@multimaster/database";

/** How an actor has authenticated. */
export type ActorKind = "nothing" | "session" | "proxy" | "token" | "command line";

/** Who acts. */
export interface Actor {
  /** Unique, and no one else can choose it: `user:ann`, `token:nightly`, `anonymous`, or a provider's issuer and subject. */
  readonly identity: string;
  /** The name that people see, and that Buildbot's `owner` has. */
  readonly name: string;
  readonly by: ActorKind;
  /** The address that the request came from. */
  readonly address: string | null;
}

export const anonymousActor: Actor = { identity: "anonymous", name: "anonymous", by: "nothing", address: null };

/** The operating system's user who runs a command that writes into the database. */
export function commandLineActor(): Actor {
  const { username } = userInfo();
  return { identity: `system:${username}@${hostname()}`, name: username, by: "command line", address: null };
}

/** Writes the audit row of an action in the transaction of the action: both are written, or neither. */
export type Trail = (tx: Connection) => Promise<void>;

/** The trail of one action. */
export function createTrail(actor: Actor, action: string, object: string, detail?: string): Trail {
  return (tx) =>
    insertAuditRow(tx, { ...auditedActor(actor), action, object, outcome: "done", detail: detail ?? null });
}

/** The part of an audit row that names the actor. */
export function auditedActor({ identity, name, by, address }: Actor) {
  return { who: identity, name, by, address };
}
