/** The least of what `read` finds in the items; undefined without any. Lists may have any length. */
export function findLeast<T>(items: Iterable<T>, read: (item: T) => number | undefined): number | undefined {
  let least: number | undefined;
  for (const item of items) {
    const value = read(item);
    if (value !== undefined && (least === undefined || value < least)) least = value;
  }
  return least;
}

/** The greatest of what `read` finds in the items; undefined without any. */
export function findGreatest<T>(items: Iterable<T>, read: (item: T) => number | undefined): number | undefined {
  const least = findLeast(items, (item) => {
    const value = read(item);
    return value === undefined ? undefined : -value;
  });
  return least === undefined ? undefined : 0 - least;
}

/** Adds all items to the end of a list, any number of them: spread into a call, each would need room on the stack. */
export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}
