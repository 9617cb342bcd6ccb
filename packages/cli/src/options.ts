import { Option } from "commander";

/** Gathers a repeatable option whose values may also be separated by commas. */
export function gatherList(value: string, previous: readonly string[] = []): string[] {
  return [
    ...previous,
    ...value
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== ""),
  ];
}

/** `--config FILE`, the same for every command. */
export function configOption(): Option {
  return new Option("--config <file>", "the cluster's config").default("cluster.ts").env("MULTIMASTER_CONFIG");
}
