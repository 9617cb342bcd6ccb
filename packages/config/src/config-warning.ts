import { formatPath } from "./describe-issue.ts";

/** A risk in a config that is not an error: the config loads, but its author should know the risk. */
export interface ConfigWarning {
  /** The path from the slice, or for a plugin from its options, such as ["hooks", 0, "secret"]. */
  readonly path: readonly PropertyKey[];
  /** The risk, and the line of config that removes it or confirms it as intended. */
  readonly sentence: string;
}

/** Formats a warning as one line, in the form of an error: file, path, sentence. */
export function describeWarning(file: string, { path, sentence }: ConfigWarning): string {
  return path.length > 0 ? `${file}: ${formatPath(path)}: ${sentence}` : `${file}: ${sentence}`;
}
