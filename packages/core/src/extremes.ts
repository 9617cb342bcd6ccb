/** The smallest value that `read` returns for the items; undefined if there is none. The list may have any length. */
export function findLeast<T>(items: Iterable<T>, read: (item: T) => number | undefined): number | undefined {
  let least: number | undefined;
  for (const item of items) {
    const value = read(item);
    if (value !== undefined && (least === undefined || value < least)) least = value;
  }
  return least;
}

/** The greatest value that `read` returns for the items; undefined if there is none. */
export function findGreatest<T>(items: Iterable<T>, read: (item: T) => number | undefined): number | undefined {
  const least = findLeast(items, (item) => {
    const value = read(item);
    return value === undefined ? undefined : -value;
  });
  return least === undefined ? undefined : 0 - least;
}

/** Appends all items to a list. Spreading them into `push` would need room on the stack for each. */
export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}
