import { findSharedDirectories } from "./builddir.ts";
import { type ConfigWarning, describeWarning } from "./config-warning.ts";
import type { ClusterConfig } from "./define-cluster.ts";
import { type BuildersSlice, warningsOfBuilders } from "./slices/builders.ts";
import { type SchedulerSlice, warningsOfScheduler } from "./slices/scheduler.ts";
import { type UiSlice, warningsOfUi } from "./slices/ui.ts";
import { type WorkersSlice, warningsOfWorkers } from "./slices/workers.ts";

/** A slice, and what its errors and warnings begin with: its file, or the config file and the slice's name. */
export interface Placed<Slice> {
  readonly place: string;
  readonly slice: Slice;
}

/** The parts of a config that were loaded: of a master, those of its roles; of `check-config`, all that are good. */
export interface LoadedParts {
  readonly shared: Placed<ClusterConfig>;
  readonly scheduler?: Placed<SchedulerSlice> | undefined;
  readonly workers?: Placed<WorkersSlice> | undefined;
  readonly ui?: Placed<UiSlice> | undefined;
  readonly builders: ReadonlyMap<string, Placed<BuildersSlice>>;
}

/** Every warning about the loaded parts, as lines; each slice warns of itself, and what needs two of them is added here. */
export function listWarnings(parts: LoadedParts): string[] {
  const { shared, scheduler, workers, ui, builders } = parts;
  const lines = (place: string, warnings: readonly ConfigWarning[]) =>
    warnings.map((warning) => describeWarning(place, warning));
  return [
    ...(scheduler ? lines(scheduler.place, warningsOfScheduler(scheduler.slice)) : []),
    ...[...builders.values()].flatMap(({ place, slice }) => lines(place, warningsOfBuilders(slice))),
    ...findSharedDirectories(new Map([...builders].map(([set, { slice }]) => [set, slice]))).warnings,
    ...(workers ? lines(workers.place, warningsOfWorkers(workers.slice)) : []),
    ...(ui ? lines(ui.place, warningsOfUi(ui.slice, shared.slice)) : []),
  ];
}
