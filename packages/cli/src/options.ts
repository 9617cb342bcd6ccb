import { duration } from "@multimaster/core";
import { InvalidArgumentError, Option } from "commander";

/** Gathers a repeatable option whose values may also be separated by commas. An empty one is a mistake: it would mean all. */
export function gatherList(value: string, previous: readonly string[] = []): string[] {
  const parts = value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (parts.length === 0) throw new InvalidArgumentError("It is empty; leave it out to have all of them.");
  return [...new Set([...previous, ...parts])];
}

/** Gathers a repeatable option of the form NAME=VALUE. */
export function gatherPairs(value: string, previous: readonly string[] = []): string[] {
  if (!/^[^=]+=/.test(value)) throw new InvalidArgumentError("Give NAME=VALUE.");
  return [...previous, value];
}

/** A count given on the command line. */
export function parseCount(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError("Give a whole number.");
  return Number(value);
}

/** A name given on the command line. */
export function parseName(value: string): string {
  if (value.trim() === "") throw new InvalidArgumentError("It is empty; leave it out to have a name chosen.");
  return value;
}

/** A length of time given on the command line, in milliseconds. */
export function parseDuration(value: string): number {
  const parsed = duration.safeParse(/^\d+$/.test(value) ? Number(value) : value);
  if (!parsed.success) throw new InvalidArgumentError('Give seconds, or a text like "90s", "10m", "2h".');
  return parsed.data;
}

/** A command that starts a master by its name. */
export function parseStartCommand(value: string): string {
  if (!value.includes("{name}"))
    throw new InvalidArgumentError("It must hold {name}, by which the new master is known.");
  return value;
}

/** `--config FILE`, the same for every command. */
export function configOption(description = "the cluster's config"): Option {
  return new Option("--config <file>", description).default("cluster.ts").env("MULTIMASTER_CONFIG");
}
