import type { BuildersSlice } from "./slices/builders.ts";
import type { ClusterConfig } from "./define-cluster.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";
import type { UiSlice } from "./slices/ui.ts";
import type { WorkersSlice } from "./slices/workers.ts";

/** A config file whose shared part has been read; each slice is evaluated and checked when it is asked for. */
export interface LoadedConfig {
  readonly file: string;
  readonly directory: string;
  readonly shared: ClusterConfig;
  scheduler(): Promise<SchedulerSlice>;
  /** The builder sets named, or all of them, by name. */
  builders(sets: readonly string[] | "all"): Promise<ReadonlyMap<string, BuildersSlice>>;
  workers(): Promise<WorkersSlice>;
  ui(): Promise<UiSlice>;
}
