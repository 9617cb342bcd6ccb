import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Broker, Call, Methods } from "./broker.ts";
import { LoginRefused } from "./failures.ts";
import { CallRefused, type OwnObject, RemoteObject, type Sendable, Tuple, textOf } from "./values.ts";

/** Bytes of a challenge, and of a digest. */
const challengeBytes = 16;

/** Why a login was refused: too many were wrong before, this one is, or no one could say. */
export type Refusal = "unchecked" | "wrong" | "undecided";

export interface LoginOptions {
  /** MD5 of a worker's password; undefined for an unknown name. */
  passwordMd5Of(name: string): Buffer | undefined;
  /** Learns what is known of a worker now, which was unknown or had another password; false: it failed. Undefined: there is no more to learn. */
  refresh?(name: string): Promise<boolean> | undefined;
  /** Whether the password of this attempt is checked at all. */
  admits(name: string): boolean;
  /** The worker has given a name. */
  onName(name: string): void;
  onRefused(name: string, why: Refusal): void;
  /** Name and password are right. Returns the object that answers the login. */
  onAccepted(name: string, bot: number): OwnObject;
}

/**
 * The login of one connection: one name, one challenge, one digest. An unknown name is challenged too, so that it differs from a
 * wrong password neither in its answer nor in its time.
 */
export class Login {
  readonly root: Methods = new Map([["login", (call: Call) => this.#challenge(call)]]);
  #options: LoginOptions;
  #broker: (() => Broker) | undefined;
  #began = false;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** The broker that has this login as its root. */
  attach(broker: () => Broker): void {
    this.#broker = broker;
  }

  #challenge({ args: [given] }: Call): Sendable {
    const name = textOf(given);
    if (this.#began || name === undefined || this.#broker === undefined)
      throw new CallRefused("builtins.RuntimeError", "this login is not expected");
    this.#began = true;
    this.#options.onName(name);
    const broker = this.#broker();
    const challenge = randomBytes(challengeBytes);
    const challenger = broker.publish(
      new Map([
        [
          "respond",
          (call: Call) => {
            broker.retire(challenger);
            return this.#check(name, challenge, call);
          },
        ],
      ]),
    );
    return new Tuple(challenge, challenger);
  }

  #check(name: string, challenge: Buffer, { args: [digest, bot] }: Call): Sendable | Promise<Sendable> {
    if (!Buffer.isBuffer(digest) || !(bot instanceof RemoteObject))
      throw new CallRefused("builtins.TypeError", "the response is no digest with an object");
    if (!this.#options.admits(name)) return this.#refuse(name, "unchecked");
    if (this.#isRight(name, digest, challenge)) return this.#options.onAccepted(name, bot.id);
    const refreshed = this.#options.refresh?.(name);
    if (refreshed === undefined) return this.#refuse(name, "wrong");
    return refreshed.then((isFresh) => {
      if (!isFresh) return this.#refuse(name, "undecided");
      if (!this.#isRight(name, digest, challenge)) return this.#refuse(name, "wrong");
      return this.#options.onAccepted(name, bot.id);
    });
  }

  #isRight(name: string, digest: Buffer, challenge: Buffer): boolean {
    const known = this.#options.passwordMd5Of(name);
    // Also for an unknown name, which takes as long.
    const isRight = isDigest(digest, known ?? randomBytes(challengeBytes), challenge);
    return isRight && known !== undefined;
  }

  #refuse(name: string, why: Refusal): never {
    this.#options.onRefused(name, why);
    throw new LoginRefused();
  }
}

function isDigest(given: Buffer, passwordMd5: Buffer, challenge: Buffer): boolean {
  const expected = createHash("md5").update(passwordMd5).update(challenge).digest();
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** What the digest of a login is made with: the only form of a password, beside itself, that this protocol can check. */
export function passwordMd5(password: string): Buffer {
  return createHash("md5").update(password, "utf8").digest();
}
