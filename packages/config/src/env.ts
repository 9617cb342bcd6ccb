import { AsyncLocalStorage } from "node:async_hooks";
import { createHash, randomBytes } from "node:crypto";
import type { PortChoice } from "./port.ts";

/** Names of variables that usually hold a secret. */
const secretName = /PASS(?:WORD|WD|PHRASE)?(?:_|$)|SECRET|TOKEN|TICKET|CREDENTIAL|PRIVATE_?KEY|API_?KEY/i;

/** What was noted while files of a config were evaluated. */
export class EnvNotes {
  /** Variables that are named like secrets and have a fallback there. */
  readonly fallbacks = new Set<string>();
  /** Secrets that are not set. */
  readonly unset = new Set<string>();
}

/** Configs may load their own copy of this module, so the notes are stored under a symbol of the process. */
const shared = Symbol.for("multimaster.env-notes");
const holder = globalThis as { [shared]?: AsyncLocalStorage<EnvNotes> };
const noted = (holder[shared] ??= new AsyncLocalStorage());

/** The value of an environment variable, or `fallback` when it is not set; undefined without a fallback. */
export function env(name: string, fallback: string): string;
export function env(name: string): string | undefined;
export function env(name: string, fallback?: string): string | undefined {
  if (fallback !== undefined && fallback !== "" && secretName.test(name)) noted.getStore()?.fallbacks.add(name);
  const value = process.env[name];
  return value === undefined || value === "" ? fallback : value;
}

/** What the texts are made of that stand for secrets which are not set. */
const unknown = randomBytes(24);

/**
 * A secret from the environment. One that is not set is a random text: the config loads, what needs the secret fails, and
 * `check-config` warns.
 */
export function envSecret(name: string): string {
  const value = env(name);
  if (value === undefined) noted.getStore()?.unset.add(name);
  return value ?? createHash("sha256").update(unknown).update(name).digest("base64url");
}

/** Runs `load` and notes what it reads from the environment. */
export function noteEnvironment<T>(into: EnvNotes, load: () => T): T {
  return noted.run(into, load);
}

/**
 * A port from an environment variable, or `fallback`: "9989", or several such as "9989-9992", of which a master takes the
 * first free one; 0 lets the system choose a free one.
 */
export function envPort(name: string, fallback: PortChoice): PortChoice {
  const value = env(name);
  if (value === undefined) return fallback;
  return /^\d+$/.test(value) ? Number(value) : value;
}
