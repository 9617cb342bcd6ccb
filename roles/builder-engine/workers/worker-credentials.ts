import type { WorkerConfig } from "@multimaster/config";
import { isSameSecret, type Logger, openPasswordMd5 } from "@multimaster/core";
import { passwordMd5, RefusalLog } from "@multimaster/wire";
import { PasswordChecks, type Verdict } from "./password-checks.ts";

export interface WorkerCredentialsOptions {
  readonly workers: readonly WorkerConfig[];
  /** Opens the digests that pb needs. */
  readonly sealingKey: Buffer | undefined;
  readonly log: Logger;
}

/** How workers prove who they are, for each protocol. Names of workers are no secret: pages show them. */
export class WorkerCredentials {
  readonly #configs: ReadonlyMap<string, WorkerConfig>;
  readonly #sealingKey: Buffer | undefined;
  readonly #checks = new PasswordChecks();
  readonly #refusals: RefusalLog;

  constructor({ workers, sealingKey, log }: WorkerCredentialsOptions) {
    this.#configs = new Map(workers.map((config) => [config.name, config]));
    this.#sealingKey = sealingKey;
    this.#refusals = new RefusalLog(log);
  }

  /** Whether this is the worker's password, as MessagePack workers send it. */
  check(name: string, password: string): Verdict {
    const { password: expected, passwordHash: hash } = this.#configs.get(name) ?? {};
    if (expected !== undefined) return isSameSecret(password, expected);
    return hash !== undefined && this.#checks.check(password, hash);
  }

  /** MD5 of the worker's password, with which pb workers sign a challenge; undefined if it is not known. */
  passwordMd5Of(name: string): Buffer | undefined {
    const { password, passwordHash, passwordMd5Sealed: sealed } = this.#configs.get(name) ?? {};
    if (password !== undefined) return passwordMd5(password);
    if (sealed !== undefined && this.#sealingKey !== undefined) return openPasswordMd5(this.#sealingKey, name, sealed);
    if (passwordHash !== undefined)
      this.#refusals.warn(
        name,
        `Worker ${name} was refused: it uses pb, which cannot check a passwordHash. Add the passwordMd5Sealed that "master worker hash --sealing-key FILE" prints, or let the worker use --protocol=msgpack_experimental_v7.`,
      );
    return undefined;
  }
}
