import { formatPath } from "./describe-issue.ts";

/** A risk in a config that is no error: it loads, but its author should know what it means. */
export interface ConfigWarning {
  /** Where it is: from the slice, or of a plugin from its options, such as ["hooks", 0, "secret"]. */
  readonly path: readonly PropertyKey[];
  /** What the risk is, and the line that ends it or says that it is meant. */
  readonly sentence: string;
}

/** A warning as one line, in the form of an error: file, path, sentence. */
export function describeWarning(file: string, { path, sentence }: ConfigWarning): string {
  return path.length > 0 ? `${file}: ${formatPath(path)}: ${sentence}` : `${file}: ${sentence}`;
}
