/** A name of at most 50 code points that is not taken: `name`, else with `_<first>`, `_<first + 1>`… in place of its end. */
export function findFreeName(name: string, taken: ReadonlySet<string>, first: number): string {
  if (!taken.has(name)) return name;
  for (let i = first; ; i++) {
    const suffix = `_${i}`;
    const candidate = [...name].slice(0, 50 - suffix.length).join("") + suffix;
    if (!taken.has(candidate)) return candidate;
  }
}

/** Whether `findFreeName` may have given `candidate` for `name`. */
export function isNamedAfter(candidate: string, name: string): boolean {
  if (candidate === name) return true;
  const suffix = /_\d+$/.exec(candidate)?.[0];
  return suffix !== undefined && [...name].slice(0, 50 - suffix.length).join("") + suffix === candidate;
}
