import { duration } from "@multimaster/core";
import { InvalidArgumentError, Option } from "commander";

/** Collects a repeatable option whose values may also be separated by commas. An empty value is an error: it would mean all. */
export function gatherList(value: string, previous: readonly string[] = []): string[] {
  const parts = value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (parts.length === 0) throw new InvalidArgumentError("It is empty; omit the option to select all.");
  return [...new Set([...previous, ...parts])];
}

/** Collects a repeatable option of the form NAME=VALUE. */
export function gatherPairs(value: string, previous: readonly string[] = []): string[] {
  if (!/^[^=]+=/.test(value)) throw new InvalidArgumentError("Give NAME=VALUE.");
  return [...previous, value];
}

/** Parses a count on the command line. */
export function parseCount(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError("Give a whole number.");
  return Number(value);
}

/** Parses a name on the command line. */
export function parseName(value: string): string {
  if (value.trim() === "") throw new InvalidArgumentError("It is empty; omit the option to have a name chosen.");
  return value;
}

/** Parses a duration on the command line to milliseconds. */
export function parseDuration(value: string): number {
  const parsed = duration.safeParse(/^\d+$/.test(value) ? Number(value) : value);
  if (!parsed.success) throw new InvalidArgumentError('Give seconds, or a text like "90s", "10m", "2h".');
  return parsed.data;
}

/** Parses a command that starts a master by its name. */
export function parseStartCommand(value: string): string {
  if (!value.includes("{name}")) throw new InvalidArgumentError("It must contain {name}, the new master's name.");
  return value;
}

export const defaultConfig = "cluster.ts";

/** `--config FILE`, the same for every command. */
export function configOption(description = "the cluster's config"): Option {
  return new Option("--config <file>", description).default(defaultConfig).env("MULTIMASTER_CONFIG");
}

/** The same for a command that can also ask a ui master: without the option, it is for the command to choose. */
export function chosenConfigOption(): Option {
  const description = `the cluster's config: its database is used, not a ui master (default: ${defaultConfig}, if there is no ui master to ask)`;
  return new Option("--config <file>", description).env("MULTIMASTER_CONFIG");
}
