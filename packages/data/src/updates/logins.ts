import { randomBytes } from "node:crypto";
import type { Json, User } from "@multimaster/core";
import {
  claimSessionCheck,
  confirmSession,
  deleteExpiredLogins,
  deleteSession,
  deleteSessionsOf,
  findSession,
  insertBegunLogin,
  insertSession,
  takeBegunLogin,
  truncateText,
  useApiToken,
} from "@multimaster/database";
import type { Trail } from "../model/actor.ts";
import { openOfSession, sealForSession } from "./session-box.ts";
import type { UpdateContext } from "./update-context.ts";

/** What a token may be used for. */
export type TokenScope = "read" | "all";

export interface ApiToken {
  readonly name: string;
  readonly roles: readonly string[];
  readonly scope: TokenScope;
}

/** What a session depends on beside its user. */
export interface SessionBonds {
  /** Of the password's hash: the session ends when it changes. */
  readonly fingerprint?: string | undefined;
  /** What the provider needs to confirm the user again; stored encrypted. */
  readonly grant?: Json | undefined;
  /** Writes the audit row of the login. */
  readonly trail?: Trail | undefined;
}

export interface Session {
  readonly user: User;
  readonly fingerprint: string | null;
  readonly grant: Json | undefined;
  /** Since its user was last confirmed: by the login, or by the provider since. */
  readonly checkedMsAgo: number;
}

/** Sessions and API tokens, shared by all ui masters. Nothing here is under a lease: any master may do it. */
export interface LoginUpdates {
  /** Begins a session of a user and returns its id, which is shown nowhere else. */
  begin(method: string, user: User, lifetimeMs: number, bonds?: SessionBonds): Promise<string>;
  /** Returns the session; undefined if it has expired or ended, or belongs to another kind of login. */
  find(sessionId: string, method: string): Promise<Session | undefined>;
  /** True for one master in this time: it alone asks the provider whether the user is still who they were. */
  claimCheck(sessionId: string, ms: number): Promise<boolean>;
  /** The provider has confirmed the user, as they are now. */
  confirm(sessionId: string, user: User, grant: Json | undefined): Promise<void>;
  end(sessionId: string, trail?: Trail): Promise<void>;
  /** Ends every session of the user, on all devices. */
  endAll(method: string, username: string, trail: Trail): Promise<void>;
  /** Stores what a login needs when the browser returns from the provider, on any master; returns its key. */
  keep(kept: Json, lifetimeMs: number): Promise<string>;
  /** Returns it, once. */
  take(key: string): Promise<Json | undefined>;
  /** The valid token with this secret; its use is noted. */
  useToken(secret: string): Promise<ApiToken | undefined>;
  /** Deletes what has expired. */
  cleanUp(): Promise<void>;
}

export function createLoginUpdates({ database }: UpdateContext): LoginUpdates {
  return {
    async begin(method, user, lifetimeMs, { fingerprint = null, grant, trail } = {}) {
      const id = newSecret();
      const row = {
        method,
        username: truncateText(user.username, 255),
        userInfo: JSON.stringify(user),
        fingerprint,
        grantBox: grant === undefined ? null : sealForSession(id, grant),
      };
      await database.transaction(async (tx) => {
        await insertSession(tx, id, row, lifetimeMs / 1000);
        await trail?.(tx);
      });
      return id;
    },
    async find(sessionId, method) {
      const row = await findSession(database, sessionId);
      if (row?.method !== method) return undefined;
      return {
        user: JSON.parse(row.userInfo) as User,
        fingerprint: row.fingerprint,
        grant: row.grantBox === null ? undefined : openOfSession(sessionId, row.grantBox),
        checkedMsAgo: row.checkedAgo === null ? Number.POSITIVE_INFINITY : 1000 * row.checkedAgo,
      };
    },
    claimCheck: (sessionId, ms) => claimSessionCheck(database, sessionId, ms / 1000),
    confirm: (sessionId, user, grant) =>
      confirmSession(database, sessionId, {
        userInfo: JSON.stringify(user),
        grantBox: grant === undefined ? null : sealForSession(sessionId, grant),
      }),
    end: (sessionId, trail) =>
      database.transaction(async (tx) => {
        await deleteSession(tx, sessionId);
        await trail?.(tx);
      }),
    endAll: (method, username, trail) =>
      database.transaction(async (tx) => {
        await deleteSessionsOf(tx, method, truncateText(username, 255));
        await trail(tx);
      }),
    async keep(kept, lifetimeMs) {
      const key = newSecret();
      await insertBegunLogin(database, key, JSON.stringify(kept), lifetimeMs / 1000);
      return key;
    },
    async take(key) {
      const kept = await takeBegunLogin(database, key);
      return kept === undefined ? undefined : (JSON.parse(kept) as Json);
    },
    async useToken(secret) {
      const row = await useApiToken(database, secret);
      return row && { name: row.name, roles: JSON.parse(row.roles) as string[], scope: row.scope as TokenScope };
    },
    async cleanUp() {
      await deleteExpiredLogins(database);
    },
  };
}

/** 256 random bits: hashing them once is enough to keep them. */
function newSecret(): string {
  return randomBytes(32).toString("base64url");
}
