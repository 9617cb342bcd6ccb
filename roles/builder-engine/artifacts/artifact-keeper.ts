import {
  type Clock,
  Counter,
  Gauge,
  type Logger,
  loopService,
  type Registry,
  type Service,
  WakeupLoop,
} from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { EngineArtifacts } from "./engine-artifacts.ts";

export interface ArtifactKeeperOptions {
  readonly artifacts: EngineArtifacts;
  readonly data: Data;
  readonly metrics: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

const pollMs = 60_000;
/** The same while there is more to remove. */
const busyMs = 1000;
/** Counting reads every row: it takes at most this part of the time. */
const countingShare = 0.01;
/** So many failures one after the other are the store's, not one object's: the rest waits for a later round. */
const mostFailures = 3;

/**
 * Removes what uploads of dead engines left and what is not kept any longer: first a mark on the row, then the object, then the
 * row. Every engine does this; each object is taken by one of them.
 */
export function createArtifactKeeper({ artifacts, data, metrics, clock, log }: ArtifactKeeperOptions): Service {
  const { store, limits } = artifacts;
  const updates = data.updates.artifacts;
  const removed = new Counter({
    name: "multimaster_artifacts_removed_total",
    help: "Objects that this engine removed from the artifact store.",
    registers: [metrics],
  });
  const objects = new Gauge({
    name: "multimaster_artifacts",
    help: "Objects in the cluster's artifact store, the same at every engine.",
    labelNames: ["kind"],
    registers: [metrics],
  });
  const bytes = new Gauge({
    name: "multimaster_artifact_bytes",
    help: "Bytes in the cluster's artifact store, the same at every engine.",
    labelNames: ["kind"],
    registers: [metrics],
  });
  const { keepFor, keepBuilds, caches } = limits;
  const bounds = {
    keepForSeconds: keepFor === null ? null : keepFor / 1000,
    keepBuilds,
    cacheUnusedSeconds: caches.unusedFor / 1000,
    cacheBytes: caches.maxTotalSize,
  };
  let since: number | null = null;
  let countAfter = 0;
  const loop = new WakeupLoop({ name: "artifact keeper", clock, log, pollMs, poll });

  async function poll(signal: AbortSignal): Promise<void> {
    const { expired, isWhole, at } = await updates.expire(bounds, since);
    if (isWhole) since = at;
    if (expired > 0) log.info({ expired }, `${expired} artifacts and caches are no longer kept`);
    const taken = await updates.takeRemovable();
    const gone: number[] = [];
    let failures = 0;
    for (const { artifactid, key } of taken) {
      if (signal.aborted || failures === mostFailures) break;
      try {
        await store.remove(key);
        gone.push(artifactid);
        failures = 0;
      } catch (error) {
        failures += 1;
        log.warn({ err: error, artifactid }, `object ${key} could not be removed; it is tried again`);
      }
    }
    if (gone.length > 0) await updates.removed(gone);
    removed.inc(gone.length);
    await count();
    if (gone.length > 0 && failures < mostFailures) clock.after(busyMs, () => loop.wake());
  }

  async function count(): Promise<void> {
    const from = clock.now();
    if (from < countAfter) return;
    for (const row of await updates.count()) {
      objects.set({ kind: row.kind }, row.count);
      bytes.set({ kind: row.kind }, row.bytes);
    }
    countAfter = clock.now() + Math.max(pollMs / 2, (clock.now() - from) / countingShare);
  }

  return loopService("artifact keeper", loop);
}
