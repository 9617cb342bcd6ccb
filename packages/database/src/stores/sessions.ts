import { createHash } from "node:crypto";
import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";

/** What is kept of a secret of 256 random bits: whoever reads the rows cannot use it. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

export interface SessionRow {
  readonly method: string;
  readonly username: string;
  /** JSON. */
  readonly userInfo: string;
}

export async function insertSession(
  connection: Connection,
  id: string,
  session: SessionRow,
  seconds: number,
): Promise<void> {
  await execute(
    connection,
    `insert into mm_sessions (id_hash, method, username, user_info, began_at, expires_at)
     values (?, ?, ?, ?, ${connection.dialect.now}, ${connection.dialect.now} + ?)`,
    [hashSecret(id), session.method, session.username, session.userInfo, seconds],
  );
}

/** The session of this id, unless it has expired or ended. */
export async function findSession(connection: Connection, id: string): Promise<SessionRow | undefined> {
  const [row] = await queryRows<SessionRow>(
    connection,
    `select method, username, user_info as "userInfo" from mm_sessions
     where id_hash = ? and expires_at > ${connection.dialect.now}`,
    [hashSecret(id)],
  );
  return row;
}

export async function deleteSession(connection: Connection, id: string): Promise<void> {
  await execute(connection, "delete from mm_sessions where id_hash = ?", [hashSecret(id)]);
}

/** Ends all sessions of a user of this kind of login. */
export async function deleteSessionsOf(connection: Connection, method: string, username: string): Promise<void> {
  await execute(connection, "delete from mm_sessions where username = ? and method = ?", [username, method]);
}

export async function insertBegunLogin(
  connection: Connection,
  id: string,
  kept: string,
  seconds: number,
): Promise<void> {
  await execute(
    connection,
    `insert into mm_begun_logins (id_hash, kept, expires_at) values (?, ?, ${connection.dialect.now} + ?)`,
    [hashSecret(id), kept, seconds],
  );
}

/** What was kept of a login that was begun; once. */
export async function takeBegunLogin(connection: Connection, id: string): Promise<string | undefined> {
  const [row] = await queryRows<{ kept: string }>(
    connection,
    `delete from mm_begun_logins where id_hash = ? and expires_at > ${connection.dialect.now} returning kept`,
    [hashSecret(id)],
  );
  return row?.kept;
}

/** Deletes sessions and begun logins that have expired. */
export async function deleteExpiredLogins(connection: Connection): Promise<number> {
  const { now } = connection.dialect;
  const sessions = await execute(connection, `delete from mm_sessions where expires_at <= ${now}`, []);
  return sessions + (await execute(connection, `delete from mm_begun_logins where expires_at <= ${now}`, []));
}
