import { createHash, randomBytes } from "node:crypto";
import { errors, isSameSecret, type Json, sealPasswordMd5 } from "@multimaster/core";
import {
  type Connection,
  type Database,
  insertWorkerAccount,
  revokeWorkerAccount,
  validWorkerAccounts,
  workerAccountsVersion,
} from "@multimaster/database";
import type { Trail } from "../model/actor.ts";
import { parseAccountOptions, type WorkerAccountOptions } from "../model/worker-account-options.ts";
import { workerAccounts } from "../resources/worker-accounts.ts";
import type { UpdateContext } from "./update-context.ts";

export interface NewWorkerAccount {
  readonly name: string;
  readonly maxBuilds: number;
  readonly properties: Readonly<Record<string, Json>>;
  readonly options?: WorkerAccountOptions;
  /** Seals what pb needs of the secret. Without it, the worker can only use the MessagePack protocol. */
  readonly sealingKey?: Buffer | undefined;
}

/** A worker that may connect. */
export interface AcceptedWorker {
  readonly accountid: number;
  readonly name: string;
  readonly maxBuilds: number;
  readonly properties: Readonly<Record<string, Json>>;
  readonly options: WorkerAccountOptions;
  readonly md5Sealed: string | undefined;
  isSecret(text: string): boolean;
}

export interface WorkerAccountUpdates {
  /** Adds a worker and returns its secret, which is shown nowhere else. */
  add(account: NewWorkerAccount, trail: Trail): Promise<{ accountid: number; secret: string }>;
  /** From now on no engine accepts the worker; one that is connected is disconnected. */
  revoke(name: string, trail: Trail): Promise<void>;
  /** The workers that may connect; undefined if nothing has changed since that version. */
  accepted(knownVersion?: string): Promise<{ version: string; workers: readonly AcceptedWorker[] } | undefined>;
}

export function createWorkerAccountUpdates({ database, events, track }: UpdateContext): WorkerAccountUpdates {
  return {
    async add(account, trail) {
      const added = await addWorkerAccount(database, account, trail);
      await track(events.of(workerAccounts).new([added.accountid]));
      return added;
    },
    async revoke(name, trail) {
      const accountid = await endWorkerAccount(database, name, trail);
      await track(events.of(workerAccounts).revoked([accountid]));
    },
    async accepted(knownVersion) {
      const version = await workerAccountsVersion(database);
      if (version === knownVersion) return undefined;
      return { version, workers: (await validWorkerAccounts(database)).map(acceptedOf) };
    },
  };
}

/** For commands that have only the database: engines find the row when they next poll. */
export async function addWorkerAccount(
  database: Database,
  { name, maxBuilds, properties, options = {}, sealingKey }: NewWorkerAccount,
  trail: Trail,
): Promise<{ accountid: number; secret: string }> {
  const secret = `mmw_${randomBytes(32).toString("base64url")}`;
  const row = {
    name,
    secret_hash: digestOf(secret),
    md5_sealed: sealingKey === undefined ? null : sealPasswordMd5(sealingKey, name, secret),
    max_builds: maxBuilds,
    properties: JSON.stringify(properties),
    options: Object.keys(options).length > 0 ? JSON.stringify(options) : null,
  };
  const accountid = await database.transaction(async (tx) => {
    const id = await insertWorkerAccount(tx, row);
    if (id === undefined) throw errors.workerAccountExists(name);
    await trail(tx);
    return id;
  });
  return { accountid, secret };
}

/** For commands that have only the database. */
export function endWorkerAccount(database: Database, name: string, trail: Trail): Promise<number> {
  return database.transaction(async (tx: Connection) => {
    const id = await revokeWorkerAccount(tx, name);
    if (id === undefined) throw errors.workerAccountNotThere(name);
    await trail(tx);
    return id;
  });
}

function acceptedOf(row: Awaited<ReturnType<typeof validWorkerAccounts>>[number]): AcceptedWorker {
  return {
    accountid: row.id,
    name: row.name,
    maxBuilds: row.max_builds,
    properties: JSON.parse(row.properties) as Record<string, Json>,
    options: parseAccountOptions(row.options),
    md5Sealed: row.md5_sealed ?? undefined,
    isSecret: (text) => isSameSecret(digestOf(text), row.secret_hash),
  };
}

function digestOf(secret: string): string {
  return createHash("sha256").update(secret, "utf8").digest("hex");
}
