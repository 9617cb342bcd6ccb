import { findSharedDirectories } from "./builddir.ts";
import { type ConfigWarning, describeWarning } from "./config-warning.ts";
import type { ClusterConfig, ClusterConfigInput } from "./define-cluster.ts";
import type { PlaceOf } from "./place-of.ts";
import { type BuildersSlice, type BuildersSliceInput, warningsOfBuilders } from "./slices/builders.ts";
import { warningsOfLatents, warningsOfUnusedLatents } from "./slices/latent-workers.ts";
import { type SchedulerSlice, type SchedulerSliceInput, warningsOfScheduler } from "./slices/scheduler.ts";
import { type UiSlice, type UiSliceInput, warningsOfUi } from "./slices/ui.ts";
import {
  type WorkersSlice,
  type WorkersSliceInput,
  warningsOfLocalWorkers,
  warningsOfWorkers,
} from "./slices/workers.ts";
import { listTodos } from "./todo.ts";
import { warningsOfCapacities, warningsOfWeights } from "./weight-warnings.ts";

/** A slice, and the prefix of its errors and warnings: its file, or the config file and the slice's name. */
export interface Placed<Slice, Input> {
  readonly place: string;
  readonly slice: Slice;
  /** As written in the config, without defaults. */
  readonly given: Input;
}

/** The loaded parts of a config: of a master, those of its roles; of `check-config`, all that are valid. */
export interface LoadedParts {
  readonly shared: Placed<ClusterConfig, ClusterConfigInput>;
  readonly scheduler?: Placed<SchedulerSlice, SchedulerSliceInput> | undefined;
  readonly workers?: Placed<WorkersSlice, WorkersSliceInput> | undefined;
  readonly ui?: Placed<UiSlice, UiSliceInput> | undefined;
  readonly builders: ReadonlyMap<string, Placed<BuildersSlice, BuildersSliceInput>>;
  readonly placeOf: PlaceOf;
  /** Of `env` and `envSecret`, while the files of these parts were evaluated. */
  readonly environment: readonly { readonly place: string; readonly warning: ConfigWarning }[];
}

/** Lists all warnings about the loaded parts, one line each: those of each slice, and those that involve two slices. */
export function listWarnings(parts: LoadedParts): string[] {
  const { shared, scheduler, workers, ui, builders, placeOf } = parts;
  const secrets = [...builders.values()].reduce((sum, { slice }) => sum + Object.keys(slice.secrets).length, 0);
  const allBuilders = [...builders.values()].flatMap(({ slice }) => slice.builders);
  const lines = (place: string, warnings: readonly ConfigWarning[]) =>
    warnings.map((warning) => describeWarning(place, warning));
  return [
    ...(scheduler ? lines(scheduler.place, warningsOfScheduler(scheduler.slice)) : []),
    ...(scheduler ? lines(shared.place, warningsOfLinks(shared.slice, scheduler.slice)) : []),
    ...[...builders.values()].flatMap(({ place, slice }) => lines(place, warningsOfBuilders(slice))),
    ...(workers
      ? [...builders.values()].flatMap(({ place, slice }) =>
          lines(place, warningsOfWeights(slice.builders, workers.slice)),
        )
      : []),
    ...findSharedDirectories(new Map([...builders].map(([set, { slice }]) => [set, slice])), placeOf).warnings,
    ...(workers
      ? lines(workers.place, [
          ...warningsOfWorkers(workers.slice),
          ...warningsOfLatents(workers.slice),
          ...warningsOfLocalWorkers(workers.slice, secrets),
        ])
      : []),
    ...(workers && builders.size === Object.keys(shared.slice.builders).length
      ? lines(workers.place, [
          ...warningsOfUnusedLatents(workers.slice, allBuilders),
          ...warningsOfCapacities(allBuilders, workers.slice),
        ])
      : []),
    ...parts.environment.map(({ place, warning }) => describeWarning(place, warning)),
    ...(ui ? lines(ui.place, warningsOfUi(ui.slice, shared.slice)) : []),
    ...[shared, scheduler, ...builders.values(), workers, ui].flatMap((part) =>
      part === undefined ? [] : lines(part.place, listTodos(part.given)),
    ),
  ];
}

function warningsOfLinks({ url }: ClusterConfig, { reporters }: SchedulerSlice): ConfigWarning[] {
  if (url !== undefined || reporters.length === 0) return [];
  return [
    { path: ["url"], sentence: "is missing: reports link to http://localhost:8010/; give the address of the pages" },
  ];
}
