import { createHash } from "node:crypto";
import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";

/** The stored hash of a secret of 256 random bits: a reader of the rows cannot use it. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

export interface SessionRow {
  readonly method: string;
  readonly username: string;
  /** JSON. */
  readonly userInfo: string;
  readonly fingerprint: string | null;
  readonly grantBox: string | null;
}

/** A session as it is found, with the seconds since its user was last confirmed. */
export interface FoundSession extends SessionRow {
  readonly checkedAgo: number | null;
}

export async function insertSession(
  connection: Connection,
  id: string,
  session: SessionRow,
  seconds: number,
): Promise<void> {
  await execute(
    connection,
    `insert into mm_sessions
       (id_hash, method, username, user_info, fingerprint, grant_box, began_at, checked_at, expires_at)
     values (?, ?, ?, ?, ?, ?, ${connection.dialect.now}, ${connection.dialect.now}, ${connection.dialect.now} + ?)`,
    [
      hashSecret(id),
      session.method,
      session.username,
      session.userInfo,
      session.fingerprint,
      session.grantBox,
      seconds,
    ],
  );
}

/** True for one master in `seconds`: it alone asks the provider. */
export async function claimSessionCheck(connection: Connection, id: string, seconds: number): Promise<boolean> {
  const { now } = connection.dialect;
  const sql = `update mm_sessions set asked_at = ${now} where id_hash = ? and (asked_at is null or asked_at <= ${now} - ?)`;
  return (await execute(connection, sql, [hashSecret(id), seconds])) > 0;
}

/** What the provider says of the user now. */
export async function confirmSession(
  connection: Connection,
  id: string,
  { userInfo, grantBox }: Pick<SessionRow, "userInfo" | "grantBox">,
): Promise<void> {
  const sql = `update mm_sessions set user_info = ?, grant_box = ?, checked_at = ${connection.dialect.now} where id_hash = ?`;
  await execute(connection, sql, [userInfo, grantBox, hashSecret(id)]);
}

/** A session for people to see. */
export interface ListedSession {
  readonly method: string;
  readonly username: string;
  readonly began_at: number;
  readonly expires_at: number;
}

/** Sessions that are good, by user. */
export function listSessions(connection: Connection): Promise<ListedSession[]> {
  return queryRows(
    connection,
    `select method, username, began_at, expires_at from mm_sessions
     where expires_at > ${connection.dialect.now} order by username, began_at limit 10000`,
  );
}

/** Ends all sessions of users of this name, of every kind of login; returns how many. */
export function deleteSessionsNamed(connection: Connection, username: string): Promise<number> {
  return execute(connection, "delete from mm_sessions where username = ?", [username]);
}

/** The session of this id, unless it has expired or ended. */
export async function findSession(connection: Connection, id: string): Promise<FoundSession | undefined> {
  const [row] = await queryRows<FoundSession>(
    connection,
    `select method, username, user_info as "userInfo", fingerprint, grant_box as "grantBox",
       ${connection.dialect.now} - checked_at as "checkedAgo" from mm_sessions
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
