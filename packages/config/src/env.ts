import { AsyncLocalStorage } from "node:async_hooks";
import type { PortChoice } from "./port.ts";

/** Names of variables that usually hold a secret. */
const secretName = /PASS(?:WORD|WD|PHRASE)?(?:_|$)|SECRET|TOKEN|TICKET|CREDENTIAL|PRIVATE_?KEY|API_?KEY/i;

/** Configs may load their own copy of this module, so the notes are stored under a symbol of the process. */
const shared = Symbol.for("multimaster.env-fallbacks");
const holder = globalThis as { [shared]?: AsyncLocalStorage<Set<string>> };
const noted = (holder[shared] ??= new AsyncLocalStorage());

/** The value of an environment variable, or `fallback` when it is not set; undefined without a fallback. */
export function env(name: string, fallback: string): string;
export function env(name: string): string | undefined;
export function env(name: string, fallback?: string): string | undefined {
  if (fallback !== undefined && fallback !== "" && secretName.test(name)) noted.getStore()?.add(name);
  const value = process.env[name];
  return value === undefined || value === "" ? fallback : value;
}

/** Runs `load` and collects the variables that are named like secrets and have a fallback there. */
export function noteFallbacks<T>(into: Set<string>, load: () => T): T {
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
