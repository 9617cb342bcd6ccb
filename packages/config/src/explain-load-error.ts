import { relative } from "node:path";
import { explainFileError } from "@multimaster/core";

/** A path as users read it: relative to their directory if it is in it. */
export function shortenPath(file: string): string {
  const short = relative(process.cwd(), file);
  return short.startsWith("..") ? file : short;
}

/** An error in one line, with the place in the config that it comes from. */
export function explainLoadError(
  error: unknown,
  directory: string,
  packages: Readonly<Record<string, string>> = {},
): string {
  const missing = missingModule(error, packages) ?? explainFileError(error);
  if (missing !== undefined) return missing;
  const text = error instanceof Error ? error.message : String(error);
  const [first = "", second = ""] = text.split("\n", 2).map((line) => line.trim());
  if (/:\d+:\d+$/.test(second)) return `${first} (${shortenPlace(second)})`;
  const line = throwingLine(error, directory);
  return line === undefined ? first : `${first} (near ${line})`;
}

/** An import of what does not exist, by the name that the config's author wrote. */
function missingModule(error: unknown, packages: Readonly<Record<string, string>>): string | undefined {
  const path = error instanceof Error ? /^Cannot find module '([^']+)'/.exec(error.message)?.[1] : undefined;
  if (path === undefined) return undefined;
  const own = Object.entries(packages).find(([, place]) => path.startsWith(`${place}/`));
  if (own === undefined) return `there is no module "${path}"`;
  return `there is no module "${own[0]}${path.slice(own[1].length)}"; docs/reference names all plugins`;
}

/** The first line of the stack that lies in the config's own files; compiling may have shifted it a little. */
function throwingLine(error: unknown, directory: string): string | undefined {
  for (const frame of error instanceof Error ? (error.stack ?? "").split("\n") : []) {
    const [, path = "", line = ""] = /^\s+at (?:.*\()?(?:file:\/\/)?(\/[^()]*?):(\d+):\d+\)?$/.exec(frame) ?? [];
    if (path.startsWith(`${directory}/`) && !path.includes("/node_modules/")) return `${shortenPath(path)}:${line}`;
  }
  return undefined;
}

function shortenPlace(place: string): string {
  const [, file = "", at = ""] = /^(.*)(:\d+:\d+)$/.exec(place) ?? [];
  return `${shortenPath(file)}${at}`;
}
