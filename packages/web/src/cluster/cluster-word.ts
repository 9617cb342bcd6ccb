import type { Cluster, StandingPart } from "@multimaster/data";

export type ClusterWord = "healthy" | "starting" | "degraded" | "upgrading" | "unknown";

/** One word for the cluster: healthy only if every part was read and works. */
export function wordOf(
  state: Pick<Cluster, "state"> | undefined,
  parts: readonly Pick<StandingPart, "state" | "kind">[] | undefined,
  draining: number,
): ClusterWord {
  if (state?.state === "degraded") return "degraded";
  if (draining > 0 || state?.state === "upgrading") return "upgrading";
  if (state === undefined || parts === undefined) return "unknown";
  const has = (word: string) => parts.some((part) => part.kind !== "history" && part.state === word);
  if (has("degraded") || has("down")) return "degraded";
  if (has("starting")) return "starting";
  return has("unknown") ? "unknown" : "healthy";
}
