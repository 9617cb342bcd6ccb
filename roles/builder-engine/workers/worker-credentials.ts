import type { WorkerConfig } from "@multimaster/config";
import { isSameSecret, type Logger, openPasswordMd5 } from "@multimaster/core";
import type { AcceptedWorker } from "@multimaster/data";
import { passwordMd5, RefusalLog } from "@multimaster/wire";
import { PasswordChecks, type Verdict } from "./password-checks.ts";

export interface WorkerCredentialsOptions {
  readonly workers: readonly WorkerConfig[];
  /** Opens the digests that pb needs. */
  readonly sealingKey: Buffer | undefined;
  readonly log: Logger;
}

/** By which a worker of the config proves who it is. */
const passwordFields = ["password", "passwordHash", "passwordMd5Sealed", "local"] as const;

/** How workers prove who they are, for each protocol. Names of workers are no secret: pages show them. */
export class WorkerCredentials {
  #configs: ReadonlyMap<string, WorkerConfig>;
  #accounts: ReadonlyMap<string, AcceptedWorker> = new Map();
  /** Also those whose names the config has. */
  #accepted: readonly AcceptedWorker[] = [];
  #sealingKey: Buffer | undefined;
  readonly #checks = new PasswordChecks();
  readonly #refusals: RefusalLog;

  constructor({ workers, sealingKey, log }: WorkerCredentialsOptions) {
    this.#configs = new Map(workers.map((config) => [config.name, config]));
    this.#sealingKey = sealingKey;
    this.#refusals = new RefusalLog(log);
  }

  /** Goes on with the workers of another config. Returns the names of those that it has no more, or with another password. */
  reconfigure({ workers, sealingKey }: Pick<WorkerCredentialsOptions, "workers" | "sealingKey">): ReadonlySet<string> {
    const former = this.#configs;
    this.#configs = new Map(workers.map((config) => [config.name, config]));
    this.#sealingKey = sealingKey;
    this.accept(this.#accepted);
    const ended = [...former].filter(([name, config]) => {
      const next = this.#configs.get(name);
      // A connection of the config's worker has not proved that it is the account of the same name.
      return next === undefined || passwordFields.some((field) => next[field] !== config[field]);
    });
    return new Set(ended.map(([name]) => name));
  }

  /** The workers that were added at run time and may connect now. One that the config defines is the config's. */
  accept(accounts: readonly AcceptedWorker[]): void {
    this.#accepted = accounts;
    this.#accounts = new Map(accounts.flatMap((each) => (this.#configs.has(each.name) ? [] : [[each.name, each]])));
  }

  /** What the engine needs to know of a worker; undefined if there is none of this name, or no longer. */
  find(name: string): { readonly config: WorkerConfig; readonly accountid: number | undefined } | undefined {
    const config = this.#configs.get(name);
    if (config !== undefined) return { config, accountid: undefined };
    const account = this.#accounts.get(name);
    if (account === undefined) return undefined;
    const { accountid, maxBuilds, properties, options } = account;
    return {
      config: { name, local: false, maxBuilds, properties: properties as WorkerConfig["properties"], ...options },
      accountid,
    };
  }

  /** Whether the config defines the worker, so that no account can. */
  isOfConfig(name: string): boolean {
    return this.#configs.has(name);
  }

  /** Whether this is the worker's password, as MessagePack workers send it. */
  check(name: string, password: string): Verdict {
    const account = this.#accounts.get(name);
    if (account !== undefined) return account.isSecret(password);
    const { password: expected, passwordHash: hash } = this.#configs.get(name) ?? {};
    if (expected !== undefined) return isSameSecret(password, expected);
    return hash !== undefined && this.#checks.check(password, hash);
  }

  /** MD5 of the worker's password, with which pb workers sign a challenge; undefined if it is not known. */
  passwordMd5Of(name: string): Buffer | undefined {
    const account = this.#accounts.get(name);
    if (account !== undefined) return this.#md5OfAccount(account);
    const { password, passwordHash, passwordMd5Sealed: sealed } = this.#configs.get(name) ?? {};
    if (password !== undefined) return passwordMd5(password);
    if (sealed !== undefined && this.#sealingKey !== undefined) return openPasswordMd5(this.#sealingKey, name, sealed);
    if (passwordHash !== undefined)
      this.#refusePb(name, 'Add the passwordMd5Sealed that "master worker hash --sealing-key FILE" prints');
    return undefined;
  }

  #md5OfAccount({ name, md5Sealed }: AcceptedWorker): Buffer | undefined {
    const key = this.#sealingKey;
    const opened = md5Sealed === undefined || key === undefined ? undefined : openPasswordMd5(key, name, md5Sealed);
    if (opened === undefined) this.#refusePb(name, "Add the worker again on a host whose config has the sealingKey");
    return opened;
  }

  #refusePb(name: string, remedy: string): void {
    this.#refusals.warn(
      name,
      `Worker ${name} was refused: it uses pb, which cannot check a hash of its password. ${remedy}, or let the worker use --protocol=msgpack_experimental_v7.`,
    );
  }
}
