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

/** A name given on the command line. */
export function parseName(value: string): string {
  if (value.trim() === "") throw new InvalidArgumentError("It is empty; leave it out to have a name chosen.");
  return value;
}

/** A length of time given on the command line, in milliseconds. */
export function parseDuration(value: string): number {
  const parsed = duration.safeParse(value);
  if (!parsed.success) throw new InvalidArgumentError('It must be a time like "90s", "10m", "2h", "7d".');
  return parsed.data;
}

/** `--config FILE`, the same for every command. */
export function configOption(): Option {
  return new Option("--config <file>", "the cluster's config").default("cluster.ts").env("MULTIMASTER_CONFIG");
}
