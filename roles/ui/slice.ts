import { ConfigProblems, checkLogin, checkUiSealingKey, type LoadedConfig, type UiSlice } from "@multimaster/config";

/** The slice of this role: `ui` of the config. It never evaluates builders, workers or schedulers. */
export async function loadUiSlice(config: LoadedConfig): Promise<UiSlice> {
  const slice = await config.ui();
  const problems = [
    ...checkLogin(slice, config.shared, config.placeOf),
    ...(await checkUiSealingKey(slice, config.directory, config.placeOf("ui"))),
  ];
  if (problems.length > 0) throw new ConfigProblems(problems);
  return slice;
}
