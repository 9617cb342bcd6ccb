interface Column {
  readonly name: string;
  readonly projectid: number | null;
  readonly tags: readonly string[];
}

export interface ColumnGroup<B> {
  /** Empty: builders without project and tags. */
  readonly heading: string;
  readonly builders: readonly B[];
}

/** Builders side by side: by their project or, without one, by their first tag; each group by name, the others last. */
export function groupColumns<B extends Column>(
  builders: readonly B[],
  projects: ReadonlyMap<number, string>,
): ColumnGroup<B>[] {
  const headingOf = ({ projectid, tags }: B) =>
    (projectid === null ? undefined : projects.get(projectid)) ?? tags[0] ?? "";
  const headings = [...new Set(builders.map(headingOf))].sort(
    (a, b) => Number(a === "") - Number(b === "") || a.localeCompare(b),
  );
  return headings.map((heading) => ({
    heading,
    builders: builders.filter((builder) => headingOf(builder) === heading).sort((a, b) => a.name.localeCompare(b.name)),
  }));
}
