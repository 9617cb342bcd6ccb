import type { Row } from "@multimaster/data/client";
import { useMemo } from "preact/hooks";
import { useRows } from "../api/live-query.ts";

const builderFields = ["builderid", "name", "tags", "masterids", "description", "projectid"] as const;

/** The facts about builders that lists need; one small list that all pages share. */
export type BuilderFacts = Row<"builders", (typeof builderFields)[number]>;

export function useBuilders() {
  return useRows("builders", "builders", { field: builderFields }, ["builders/*/*"]);
}

export function useProjects() {
  return useRows("projects", "projects", { field: ["projectid", "name"] }, ["projects/*/*"]);
}

/** Names of projects by id; empty while they are unknown. */
export function useProjectNames(): ReadonlyMap<number, string> {
  const { rows } = useProjects();
  return useMemo(() => new Map((rows ?? []).map(({ projectid, name }) => [projectid, name])), [rows]);
}

/** Names by id; `#7` while a name is unknown. */
export function useBuilderNames(): (id: number) => string {
  const { rows } = useBuilders();
  return (id) => rows?.find(({ builderid }) => builderid === id)?.name ?? `#${id}`;
}

export function useWorkerNames(): (id: number | null) => string {
  // Names never change, and a new worker connects.
  const { rows } = useRows("workers", "workers", { field: ["workerid", "name"] }, ["workers/*/connected"]);
  return (id) => (id === null ? "–" : (rows?.find(({ workerid }) => workerid === id)?.name ?? `#${id}`));
}

export function useMasters() {
  return useRows("masters", "masters", {}, ["masters/*/*"]);
}

export function useMasterNames(): (id: number | null) => string {
  const { rows } = useMasters();
  return (id) => (id === null ? "–" : (rows?.find(({ masterid }) => masterid === id)?.name ?? `#${id}`));
}
