import { formatPath } from "./describe-issue.ts";
import { listSteps } from "./list-steps.ts";
import type { OnMasterConfig } from "./on-master.ts";
import type { PlaceOf } from "./place-of.ts";
import type { BuildersSlice } from "./slices/builders.ts";

const remedies: Readonly<Record<keyof OnMasterConfig, string>> = {
  commands: "allows no commands on the master's machine: set onMaster.commands of the cluster to true",
  readFrom:
    "allows no files of the master's machine to be read: name the directory in onMaster.readFrom of the cluster",
  writeTo:
    "allows no files to be written on the master's machine: name the directory in onMaster.writeTo of the cluster",
};

/** Steps that use the master's machine in a way that the config allows to none, so that they can only fail. */
export function checkOnMaster(
  builders: ReadonlyMap<string, BuildersSlice>,
  allowed: OnMasterConfig,
  placeOf: PlaceOf,
): string[] {
  const isClosed = (what: keyof OnMasterConfig) =>
    what === "commands" ? !allowed.commands : allowed[what].length === 0;
  return [...builders].flatMap(([set, slice]) =>
    slice.builders.flatMap((builder, i) =>
      listSteps(builder).flatMap(({ path, step: { plugin, options } }) =>
        (plugin.onMaster?.(options) ?? [])
          .filter(({ needs }) => isClosed(needs))
          .map(({ option, needs }) => {
            const place = formatPath(option === undefined ? path : [...path, option]);
            return `${placeOf(`builders.${set}`)}: builders[${i}].${place}: the config ${remedies[needs]}`;
          }),
      ),
    ),
  );
}
