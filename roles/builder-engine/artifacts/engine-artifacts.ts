import type { ArtifactsConfig, ClusterConfig } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import { type ArtifactStore, openArtifactStore } from "@multimaster/plugins";

/** The artifact store of the cluster and its limits. */
export interface EngineArtifacts {
  readonly store: ArtifactStore;
  readonly limits: Omit<ArtifactsConfig, "store">;
}

/** Opens the store that the config names; undefined: it names none. */
export function openEngineArtifacts(
  { artifacts }: Pick<ClusterConfig, "artifacts">,
  configDirectory: string,
  clock: Clock,
): EngineArtifacts | undefined {
  if (artifacts === undefined) return undefined;
  const { store, ...limits } = artifacts;
  return { store: openArtifactStore(store, { configDirectory, clock }), limits };
}
