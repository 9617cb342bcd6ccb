import { randomBytes } from "node:crypto";
import type { Json, User } from "@multimaster/core";
import {
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
import type { UpdateContext } from "./update-context.ts";

export function createLoginUpdates({ database }: UpdateContext): LoginUpdates {
  return {
    async begin(method, user, lifetimeMs) {
      const id = newSecret();
      const row = { method, username: fitText(user.username, 255), userInfo: JSON.stringify(user) };
      await insertSession(database, id, row, lifetimeMs / 1000);
      return id;
    },
    async find(sessionId, method) {
      const row = await findSession(database, sessionId);
      return row?.method === method ? (JSON.parse(row.userInfo) as User) : undefined;
    },
    end: (sessionId) => deleteSession(database, sessionId),
    endAll: (method, username) => deleteSessionsOf(database, method, fitText(username, 255)),
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
