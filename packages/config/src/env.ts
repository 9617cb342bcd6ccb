import type { PortChoice } from "./port.ts";

/** The value of an environment variable, or `fallback` when it is not set; undefined without a fallback. */
export function env(name: string, fallback: string): string;
export function env(name: string): string | undefined;
export function env(name: string, fallback?: string): string | undefined {
  const value = process.env[name];
  return value === undefined || value === "" ? fallback : value;
}

/**
 * A port from an environment variable, or `fallback`: "9989", or several such as "9989-9992", of which a master takes the
 * first that is free; 0 lets the system choose a free one.
 */
export function envPort(name: string, fallback: PortChoice): PortChoice {
  const value = env(name);
  if (value === undefined) return fallback;
  return /^\d+$/.test(value) ? Number(value) : value;
}
