import type { Worker } from "@multimaster/data";

/** A worker as `master status` and `master workers` describe it. */
export interface WorkerStanding {
  name: string;
  connected_to: string[];
  /** For a builder of a live engine; otherwise no one expects it. */
  configured: boolean;
  paused: boolean;
  graceful: boolean;
  /** Times in seconds since 1970; null: it is not so. */
  missing_since: number | null;
  quarantined_at: number | null;
  probation_at: number | null;
  pause_reason: string | null;
  paused_by: string | null;
  suspicion: string | null;
  owner: string | null;
  note: string | null;
}

/** The standing of a worker; fields that a ui master of an earlier release does not send are null. */
export function standingOf(worker: Worker, masterName: (masterid: number) => string): WorkerStanding {
  const { name, connected_to, configured_on, paused, graceful } = worker;
  const known: Partial<Worker> = worker;
  const { missing_since = null, quarantined_at = null, probation_at = null, pause_reason = null } = known;
  const { paused_by = null, suspicion = null, owner = null, note = null } = known;
  return {
    ...{ name, connected_to: connected_to.map(({ masterid }) => masterName(masterid)) },
    ...{ configured: configured_on.length > 0, paused, graceful },
    ...{ missing_since, quarantined_at, probation_at, pause_reason, paused_by, suspicion, owner, note },
  };
}

/** The worker's state in a few words. */
export function wordStanding(worker: WorkerStanding): string {
  // A worker that was renamed or removed from the config is not expected to connect.
  const away = worker.missing_since !== null ? "missing" : worker.configured ? "away" : "unused";
  return [
    worker.connected_to.length > 0 ? "connected" : away,
    worker.paused && (worker.quarantined_at !== null ? "quarantined" : "paused"),
    worker.graceful && "stopping",
  ]
    .filter(Boolean)
    .join(", ");
}

const time = (seconds: number) => new Date(seconds * 1000).toISOString();

/** What a reader should know beyond that: since when it is missing, why it is paused, its note and its owner. */
export function explainStanding(worker: WorkerStanding): string {
  const { missing_since, paused, quarantined_at, probation_at, pause_reason, paused_by, suspicion } = worker;
  const trial = probation_at === null ? "until it is unpaused" : `a build is tried on it from ${time(probation_at)} on`;
  const paused_for = [pause_reason, paused_by && `(${paused_by})`].filter(Boolean).join(" ");
  return [
    missing_since !== null && `missing since ${time(missing_since)}`,
    paused && (quarantined_at === null ? paused_for : `${pause_reason}; ${trial}`),
    suspicion,
    worker.note,
    worker.owner !== null && `owner: ${worker.owner}`,
  ]
    .filter(Boolean)
    .join("; ");
}
