import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { hashSecret } from "./sessions.ts";

export interface ApiTokenRow {
  readonly id: number;
  readonly name: string;
  /** JSON. */
  readonly roles: string;
  readonly scope: string;
  readonly made_at: number;
  readonly expires_at: number | null;
  readonly used_at: number | null;
  readonly revoked_at: number | null;
}

const columns = "id, name, roles, scope, made_at, expires_at, used_at, revoked_at";
/** A token in use is noted this often, not at each request. */
const noteSeconds = 60;

export interface NewApiToken {
  readonly name: string;
  readonly roles: readonly string[];
  readonly scope: string;
  /** Null: until it is revoked. */
  readonly seconds: number | null;
}

/** False when a token that was not revoked has the name. */
export async function insertApiToken(connection: Connection, secret: string, token: NewApiToken): Promise<boolean> {
  const { now } = connection.dialect;
  try {
    await execute(
      connection,
      `insert into mm_api_tokens (name, token_hash, roles, scope, made_at, expires_at)
       values (?, ?, ?, ?, ${now}, ${token.seconds === null ? "null" : `${now} + ?`})`,
      [
        token.name,
        hashSecret(secret),
        JSON.stringify(token.roles),
        token.scope,
        ...(token.seconds === null ? [] : [token.seconds]),
      ],
    );
    return true;
  } catch (error) {
    if (connection.dialect.isUniqueViolation(error)) return false;
    throw error;
  }
}

/** The valid token with this secret, whose use is noted. */
export async function useApiToken(connection: Connection, secret: string): Promise<ApiTokenRow | undefined> {
  const { now } = connection.dialect;
  const [row] = await queryRows<ApiTokenRow & { noted: number }>(
    connection,
    `select ${columns}, case when used_at > ${now} - ${noteSeconds} then 1 else 0 end as noted from mm_api_tokens
     where token_hash = ? and revoked_at is null and (expires_at is null or expires_at > ${now})`,
    [hashSecret(secret)],
  );
  if (row?.noted === 0) await execute(connection, `update mm_api_tokens set used_at = ${now} where id = ?`, [row.id]);
  return row;
}

/** All tokens that were ever made, the newest last. */
export function listApiTokens(connection: Connection): Promise<ApiTokenRow[]> {
  return queryRows(connection, `select ${columns} from mm_api_tokens order by id`);
}

/** False when no such token is valid. */
export async function revokeApiToken(connection: Connection, name: string): Promise<boolean> {
  const sql = `update mm_api_tokens set revoked_at = ${connection.dialect.now} where name = ? and revoked_at is null`;
  return (await execute(connection, sql, [name])) > 0;
}
