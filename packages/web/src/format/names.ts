import type { Builder, Master, Worker } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";

/** The facts about builders that lists need; one small list that all pages share. */
export type BuilderFacts = Pick<Builder, "builderid" | "name" | "tags" | "masterids" | "description">;
export type WorkerFacts = Pick<Worker, "workerid" | "name">;

const builderPath = "builders?field=builderid&field=name&field=tags&field=masterids&field=description";

export function useBuilders() {
  return useRows<BuilderFacts>(builderPath, ["builders/*/*"]);
}

/** Names by id, `#7` for what is not known (yet). */
export function useBuilderNames(): (id: number) => string {
  const { rows } = useBuilders();
  return (id) => rows?.find(({ builderid }) => builderid === id)?.name ?? `#${id}`;
}

export function useWorkerNames(): (id: number | null) => string {
  // Names never change, and a worker that is new is among those that connect.
  const { rows } = useRows<WorkerFacts>("workers?field=workerid&field=name", ["workers/*/connected"]);
  return (id) => (id === null ? "–" : (rows?.find(({ workerid }) => workerid === id)?.name ?? `#${id}`));
}

export function useMasters() {
  return useRows<Master>("masters", ["masters/*/*"]);
}

export function useMasterNames(): (id: number | null) => string {
  const { rows } = useMasters();
  return (id) => (id === null ? "–" : (rows?.find(({ masterid }) => masterid === id)?.name ?? `#${id}`));
}
