import { type ConfigWarning, describeWarning } from "./config-warning.ts";
import type { ClusterConfig } from "./define-cluster.ts";
import { type BuildersSlice, warningsOfBuilders } from "./slices/builders.ts";
import { type SchedulerSlice, warningsOfScheduler } from "./slices/scheduler.ts";
import { type UiSlice, warningsOfUi } from "./slices/ui.ts";
import { type WorkersSlice, warningsOfLocalWorkers, warningsOfWorkers } from "./slices/workers.ts";

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
  /** Of `env`, while the files of these parts were evaluated. */
  readonly fallbacks: readonly { readonly place: string; readonly warning: ConfigWarning }[];
}

/** Every warning about the loaded parts, as lines; each slice warns of itself, and what needs two of them is added here. */
export function listWarnings(parts: LoadedParts): string[] {
  const { shared, scheduler, workers, ui, builders } = parts;
  const secrets = [...builders.values()].reduce((sum, { slice }) => sum + Object.keys(slice.secrets).length, 0);
  const lines = (place: string, warnings: readonly ConfigWarning[]) =>
    warnings.map((warning) => describeWarning(place, warning));
  return [
    ...(scheduler ? lines(scheduler.place, warningsOfScheduler(scheduler.slice)) : []),
    ...[...builders.values()].flatMap(({ place, slice }) => lines(place, warningsOfBuilders(slice))),
    ...(workers
      ? lines(workers.place, [...warningsOfWorkers(workers.slice), ...warningsOfLocalWorkers(workers.slice, secrets)])
      : []),
    ...parts.fallbacks.map(({ place, warning }) => describeWarning(place, warning)),
    ...(ui ? lines(ui.place, warningsOfUi(ui.slice, shared.slice)) : []),
  ];
}
