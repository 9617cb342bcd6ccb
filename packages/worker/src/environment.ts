import { delimiter } from "node:path";

type Requested = Readonly<Record<string, string | readonly string[] | null>> | null;

/**
 * The environment of a command: the worker's own with the master's changes. null removes a variable, a list is joined like
 * PATH, PYTHONPATH is put before the worker's, and `${NAME}` is the worker's variable, replaced in one pass.
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

/**
 * The variables that commands need from the environment of this program and that are not secret: the locations of programs,
 * homes, temporary files and trusted certificates, and the locale. A list of secret variables could never be complete.
 */
const plainVariables =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TERM|TMPDIR|TMP|TEMP|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GIT_SSL_CAINFO|SystemRoot|ComSpec|PATHEXT)$/;

/** The part of this process's environment that commands get; `names` adds variables, or all with a prefix before `*`. */
export function passedEnvironment(names: readonly string[] = []): Record<string, string> {
  const isNamed = (name: string) =>
    names.some((given) => (given.endsWith("*") ? name.startsWith(given.slice(0, -1)) : name === given));
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && (plainVariables.test(name) || isNamed(name))) environment[name] = value;
  return environment;
}
