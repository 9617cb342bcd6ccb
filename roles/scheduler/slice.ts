import type { LoadedConfig, SchedulerSlice } from "@multimaster/config";
import { errors } from "@multimaster/core";
import type { ChangeSourceDefinition } from "@multimaster/plugins";

/** The slice of this role: `scheduler` of the config. */
export async function loadSchedulerSlice(config: LoadedConfig): Promise<SchedulerSlice> {
  const slice = await config.scheduler();
  const problems = findDoubleNames(slice);
  if (problems.length > 0) throw errors.configInvalid(problems);
  return slice;
}

/** Names are what is claimed: two of the same would be one. */
function findDoubleNames({ changeSources, schedulers }: SchedulerSlice): string[] {
  const problems: string[] = [];
  const check = (list: string, names: readonly string[], hint: string) => {
    for (const [i, name] of names.entries()) {
      const first = names.indexOf(name);
      if (first < i)
        problems.push(`scheduler: ${list}[${i}]: the name "${name}" is already that of ${list}[${first}]${hint}`);
    }
  };
  check(
    "changeSources",
    changeSources.map(({ plugin, options }) => (plugin as ChangeSourceDefinition).nameOf(options)),
    "; give each a name of its own with the option name",
  );
  check(
    "schedulers",
    schedulers.map(({ options }) => (options as { name: string }).name),
    "",
  );
  return problems;
}
