import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";

export interface WorkerAccountRow {
  readonly id: number;
  readonly name: string;
  readonly secret_hash: string;
  readonly md5_sealed: string | null;
  readonly max_builds: number;
  /** JSON. */
  readonly properties: string;
  /** JSON; null: none. */
  readonly options: string | null;
}

export type NewWorkerAccountRow = Omit<WorkerAccountRow, "id">;

/** Inserts an account and returns its id; undefined if one that was not revoked has the name. */
export async function insertWorkerAccount(tx: Connection, account: NewWorkerAccountRow): Promise<number | undefined> {
  const { name, secret_hash, md5_sealed, max_builds, properties, options } = account;
  const [row] = await queryRows<{ id: number }>(
    tx,
    `insert into mm_worker_accounts (name, secret_hash, md5_sealed, max_builds, properties, made_at)
     values (?, ?, ?, ?, ?, ${tx.dialect.now}) on conflict (name) where revoked_at is null do nothing returning id`,
    [name, secret_hash, md5_sealed, max_builds, properties],
  );
  if (row === undefined) return undefined;
  if (options !== null)
    await queryRows(tx, "insert into mm_worker_account_options (accountid, options) values (?, ?)", [row.id, options]);
  return row.id;
}

/** Revokes the valid account of this name and returns its id; undefined if there is none. */
export async function revokeWorkerAccount(tx: Connection, name: string): Promise<number | undefined> {
  const [row] = await queryRows<{ id: number }>(
    tx,
    `update mm_worker_accounts set revoked_at = ${tx.dialect.now} where name = ? and revoked_at is null returning id`,
    [name],
  );
  return row?.id;
}

/** Changes whenever an account is added or revoked. Ids may commit out of order, so the newest alone does not show it. */
export async function workerAccountsVersion(connection: Connection): Promise<string> {
  const [row] = await queryRows<{ newest: number | null; made: number; revoked: number }>(
    connection,
    "select max(id) as newest, count(*) as made, count(revoked_at) as revoked from mm_worker_accounts",
  );
  return `${row?.newest ?? 0} ${row?.made ?? 0} ${row?.revoked ?? 0}`;
}

/** The accounts with which workers may connect now. */
export function validWorkerAccounts(connection: Connection): Promise<WorkerAccountRow[]> {
  return queryRows(
    connection,
    `select a.id, a.name, a.secret_hash, a.md5_sealed, a.max_builds, a.properties, o.options
       from mm_worker_accounts a left join mm_worker_account_options o on o.accountid = a.id
       where a.revoked_at is null order by a.id`,
  );
}
