import { any, Choice } from "../components/choice.tsx";
import { useBuilders, useProjectNames, useProjects } from "../format/names.ts";
import { navigate, usePlace, withQuery } from "../router.ts";

/** The project that the address names; of all builders without one. */
export interface ChosenProject {
  /** Empty: none is chosen. */
  readonly name: string;
  /** Undefined: none is chosen, or it is not known (yet). */
  readonly id: number | undefined;
  /** What was read is enough to filter by it. */
  readonly isKnown: boolean;
  /** There is no project of this name. */
  readonly isMissing: boolean;
  readonly has: (builderid: number) => boolean;
}

export function useProject(): ChosenProject {
  const name = usePlace().query.get("project") ?? "";
  const { rows: projects } = useProjects();
  const builders = useBuilders();
  const id = projects?.find((project) => project.name === name)?.projectid;
  const projectOf = new Map(builders.rows?.map(({ builderid, projectid }) => [builderid, projectid]));
  return {
    name,
    id,
    isKnown: name === "" || id !== undefined,
    isMissing: name !== "" && projects !== undefined && id === undefined,
    has: (builderid) => name === "" || (id !== undefined && projectOf.get(builderid) === id),
  };
}

/** Chooses the project of a page; nothing without projects. */
export function ProjectChoice() {
  const place = usePlace();
  const projects = useProjectNames();
  if (projects.size === 0) return null;
  return (
    <Choice
      label="Project"
      value={place.query.get("project") ?? ""}
      options={[any, ...[...projects.values()].sort()]}
      onChoose={(value) => navigate(withQuery(place, { project: value }), { replace: true })}
    />
  );
}
