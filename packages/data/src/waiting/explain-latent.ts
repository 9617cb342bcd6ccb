import type { Json } from "@multimaster/core";
import { judgeLatent, type LatentObstacle } from "@multimaster/placement";
import type { LatentSeen } from "./read-latents.ts";
import { because, type Reason, someNames } from "./reasons.ts";

/** What keeps a latent worker from giving an instance to a build, or that one is about to be started. */
export function explainLatent(latent: LatentSeen, closedUntil: number | null = null): Reason {
  const { name, workers } = latent;
  const facts = { latent: name, instances: someNames(workers) };
  const obstacle = judgeLatent(latent, closedUntil);
  if (!obstacle)
    return because(
      "instance_due",
      `An instance of the latent worker ${name} is about to be started, as soon as the locks of its builder are free.`,
      facts,
    );
  return because(obstacle.kind, describe(name, obstacle), { ...facts, ...factsOf(obstacle) });
}

function describe(name: string, obstacle: LatentObstacle): string {
  switch (obstacle.kind) {
    case "instance_starting":
      return obstacle.count === 1
        ? `An instance of the latent worker ${name} is starting.`
        : `${obstacle.count} instances of the latent worker ${name} are starting.`;
    case "instances_busy":
      return obstacle.limit === 1
        ? `The only instance of the latent worker ${name} is in use.`
        : `All ${obstacle.limit} instances of the latent worker ${name} are in use.`;
    case "instances_closed":
      return `The latent worker ${name} is outside its hours until ${new Date(obstacle.until * 1000).toISOString()}.`;
    case "start_failed": {
      const seconds = Math.ceil(obstacle.retryIn);
      return `The last start of an instance of ${name} failed: ${obstacle.failure}; the next attempt is in ${seconds} s.`;
    }
  }
}

function factsOf(obstacle: LatentObstacle): Record<string, Json> {
  switch (obstacle.kind) {
    case "instance_starting":
      return { starting: obstacle.count };
    case "instances_busy":
      return { max_instances: obstacle.limit };
    case "instances_closed":
      return { until: obstacle.until };
    case "start_failed":
      return { failure: obstacle.failure, retry_in: Math.ceil(obstacle.retryIn) };
  }
}
