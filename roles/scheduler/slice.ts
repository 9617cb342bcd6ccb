import { ConfigProblems, checkScheduling, type LoadedConfig, type SchedulerSlice } from "@multimaster/config";

/** The slice of this role: `scheduler` of the config. */
export async function loadSchedulerSlice(config: LoadedConfig): Promise<SchedulerSlice> {
  const slice = await config.scheduler();
  const problems = checkScheduling(slice, config.placeOf);
  if (problems.length > 0) throw new ConfigProblems(problems);
  return slice;
}
