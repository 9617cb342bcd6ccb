import { fileURLToPath } from "node:url";
import { type LoadedConfig, loadConfig } from "@multimaster/config";

/**
 * Loads a cluster's config, wherever it lies: what it imports of this project is found without an installation beside it.
 * `alsoCheck` runs on the slices even when the shared part has errors.
 */
export function loadClusterConfig(
  file: string,
  alsoCheck?: (config: LoadedConfig) => Promise<unknown>,
): Promise<LoadedConfig> {
  const modules = (name: string) => fileURLToPath(new URL(".", import.meta.resolve(name)));
  return loadConfig(file, {
    packages: {
      "@multimaster/config": `${modules("@multimaster/config")}index.js`,
      "@multimaster/plugins": modules("@multimaster/plugins").replace(/\/$/, ""),
    },
    alsoCheck,
  });
}
