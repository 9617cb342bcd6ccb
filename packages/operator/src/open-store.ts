import type { LoadedConfig } from "@multimaster/config";
import { systemClock } from "@multimaster/core";
import type { ArtifactStore, ArtifactStoreDefinition } from "@multimaster/plugins";

/** The artifact store that a config names; undefined: it names none. */
export function openStore({ shared: { artifacts }, directory }: LoadedConfig): ArtifactStore | undefined {
  if (artifacts === undefined) return undefined;
  const { plugin, options } = artifacts.store;
  return (plugin as ArtifactStoreDefinition).open({ configDirectory: directory, clock: systemClock }, options);
}
