import { fileURLToPath } from "node:url";
import { type LoadedConfig, loadConfig } from "@multimaster/config";
import { checkClusterConfig } from "./check-cluster-config.ts";

/**
 * Loads a cluster's config, wherever it lies: what it imports of this project is found without an installation beside it.
 * `alsoCheck` runs on the slices even when the shared part has errors; without it, only the database's URL is checked.
 */
export async function loadClusterConfig(
  file: string,
  alsoCheck?: (config: LoadedConfig) => Promise<unknown>,
): Promise<LoadedConfig> {
  const modules = (name: string) => fileURLToPath(new URL(".", import.meta.resolve(name)));
  const config = await loadConfig(file, {
    packages: {
      "@multimaster/config": `${modules("@multimaster/config")}index.js`,
      "@multimaster/plugins": modules("@multimaster/plugins").replace(/\/$/, ""),
    },
    alsoCheck,
  });
  if (alsoCheck === undefined) await checkClusterConfig(config, async () => undefined);
  return config;
}
