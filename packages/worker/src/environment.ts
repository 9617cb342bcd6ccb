import { delimiter } from "node:path";

type Requested = Readonly<Record<string, string | readonly string[] | null>> | null;

/**
 * The environment of a command: the worker's own, changed as the master asks. null removes a variable, a list is joined
 * like PATH, PYTHONPATH is put before the worker's, and `${NAME}` is the worker's variable, in one pass.
 */
export function resolveEnvironment(
  own: Readonly<Record<string, string>>,
  requested: Requested,
  workdir: string,
): Record<string, string> {
  const resolved: Record<string, string> = { ...own };
  for (const [name, value] of Object.entries(requested ?? {})) {
    if (value === null) {
      delete resolved[name];
      continue;
    }
    let text = typeof value === "string" ? value : value.join(delimiter);
    if (name === "PYTHONPATH") text += `${delimiter}\${PYTHONPATH}`;
    resolved[name] = text.replace(/\$\{([0-9a-zA-Z_]*)\}/g, (_, variable: string) => own[variable] ?? "");
  }
  resolved["PWD"] = workdir;
  return resolved;
}

/** This process's environment without unset entries. */
export function ownEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) environment[name] = value;
  return environment;
}
