import type { Row } from "@multimaster/data/client";
import { useRows } from "../api/live-query.ts";

const builderFields = ["builderid", "name", "tags", "masterids", "description"] as const;

/** The facts about builders that lists need; one small list that all pages share. */
export type BuilderFacts = Row<"builders", (typeof builderFields)[number]>;

export function useBuilders() {
  return useRows("builders", "builders", { field: builderFields }, ["builders/*/*"]);
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
