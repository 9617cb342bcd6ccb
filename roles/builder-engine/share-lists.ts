/**
 * Returns a function that answers equal lists with the first one of them. In a farm hundreds of builders name the same
 * thousands of workers: what is found out about one list then holds for all of them.
 */
export function createListSharing(): (list: string[]) => string[] {
  const byLength = new Map<number, string[][]>();
  return (list) => {
    const known = byLength.get(list.length) ?? [];
    byLength.set(list.length, known);
    const equal = known.find((other) => other.every((text, i) => text === list[i]));
    if (!equal) known.push(list);
    return equal ?? list;
  };
}
