import { randomBytes } from "node:crypto";
import type { Json, User } from "@multimaster/core";
import {
  claimSessionCheck,
  confirmSession,
  deleteExpiredLogins,
  deleteSession,
  deleteSessionsOf,
  findSession,
  fitText,
  insertBegunLogin,
  insertSession,
  takeBegunLogin,
  useApiToken,
} from "@multimaster/database";
import type { LoginUpdates, TokenScope } from "../contract/logins.ts";
import { openOfSession, sealForSession } from "./session-box.ts";
import type { UpdateContext } from "./update-context.ts";

export function createLoginUpdates({ database }: UpdateContext): LoginUpdates {
  return {
    async begin(method, user, lifetimeMs, { fingerprint = null, grant, trail } = {}) {
      const id = newSecret();
      const row = {
        method,
        username: fitText(user.username, 255),
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
        await deleteSessionsOf(tx, method, fitText(username, 255));
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
