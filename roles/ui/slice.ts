import type { LoadedConfig, UiSlice } from "@multimaster/config";

/** Loads the slice of this role: `ui` of the config. It never evaluates builders, workers or schedulers. */
export function loadUiSlice(config: LoadedConfig): Promise<UiSlice> {
  return config.ui();
}
