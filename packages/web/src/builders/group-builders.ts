/** A heading, or a builder below it. */
export type GroupedRow<B> = { readonly heading: string } | { readonly builder: B };

interface Grouped {
  readonly name: string;
  readonly projectid: number | null;
}

/**
 * Builders in groups: the favourites, then each project by its name, then those without a project; in each group in the given
 * order. Without favourites and projects there are no headings.
 */
export function groupBuilders<B extends Grouped>(
  builders: readonly B[],
  favourites: ReadonlySet<string>,
  projects: ReadonlyMap<number, string>,
): GroupedRow<B>[] {
  const chosen = builders.filter(({ name }) => favourites.has(name));
  const others = builders.filter(({ name }) => !favourites.has(name));
  const projectOf = ({ projectid }: B) => (projectid === null ? undefined : projects.get(projectid));
  const names = [...new Set(others.flatMap((builder) => projectOf(builder) ?? []))].sort((a, b) => a.localeCompare(b));
  const groups: [heading: string, members: readonly B[]][] = [
    ["Favourites", chosen],
    ...names.map((name): [string, readonly B[]] => [name, others.filter((each) => projectOf(each) === name)]),
    [names.length > 0 ? "No project" : "Others", others.filter((each) => projectOf(each) === undefined)],
  ];
  const filled = groups.filter(([, members]) => members.length > 0);
  const isPlain = chosen.length === 0 && names.length === 0;
  return filled.flatMap(([heading, members]): GroupedRow<B>[] => [
    ...(isPlain ? [] : [{ heading }]),
    ...members.map((builder) => ({ builder })),
  ]);
}
