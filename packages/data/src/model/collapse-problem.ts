/** The class name under which builders store why their requests do not collapse. */
export const collapseProblemClass = "Builder";

/** The name of that state. */
export const collapseProblemName = "collapse_problem";

/** Where a builder stores why its requests do not collapse. */
export function collapseProblemKey(builder: string): { object: string; className: string; name: string } {
  return { object: builder, className: collapseProblemClass, name: collapseProblemName };
}
