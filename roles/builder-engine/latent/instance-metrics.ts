import { Counter, Gauge, type Registry } from "@multimaster/core";
import type { InstanceTable } from "./instance-table.ts";
import type { LatentWorker } from "./latent-worker.ts";

const states = ["starting", "running", "stopping"] as const;

/** Publishes the instances of the cluster, and what waits for them: what an autoscaler reads. */
export function publishInstanceMetrics(
  metrics: Registry,
  latents: readonly LatentWorker[],
  table: InstanceTable,
  demandOf: (latent: string) => number,
): { countStart(latent: string, outcome: "started" | "failed"): void } {
  // Those of an earlier config describe its latent workers; starts count on.
  metrics.removeSingleMetric("multimaster_worker_instances");
  metrics.removeSingleMetric("multimaster_latent_queue");
  new Gauge({
    name: "multimaster_worker_instances",
    help: "Instances of latent workers in the cluster, by latent worker and state.",
    labelNames: ["latent", "state"],
    registers: [metrics],
    collect() {
      for (const { name } of latents)
        for (const state of states)
          this.set({ latent: name, state }, table.of(name).filter((row) => row.state === state).length);
    },
  });
  new Gauge({
    name: "multimaster_latent_queue",
    help: "Build requests of this engine's builders that wait for an instance of a latent worker.",
    labelNames: ["latent"],
    registers: [metrics],
    collect() {
      for (const { name } of latents) this.set({ latent: name }, demandOf(name));
    },
  });
  const starts =
    (metrics.getSingleMetric("multimaster_instance_starts_total") as Counter | undefined) ??
    new Counter({
      name: "multimaster_instance_starts_total",
      help: "Starts of instances by this engine, by latent worker and outcome.",
      labelNames: ["latent", "outcome"],
      registers: [metrics],
    });
  for (const { name } of latents) for (const outcome of ["started", "failed"]) starts.inc({ latent: name, outcome }, 0);
  return { countStart: (latent, outcome) => starts.inc({ latent, outcome }) };
}
