/** Values by their owner, in the given order. */
export function groupValues<T>(pairs: readonly (readonly [owner: number, value: T])[]): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const [owner, value] of pairs) {
    const group = groups.get(owner);
    if (group) group.push(value);
    else groups.set(owner, [value]);
  }
  return groups;
}
