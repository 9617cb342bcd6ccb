import type { Json } from "@multimaster/core";
import { judgeLatent, type LatentObstacle } from "@multimaster/placement";
import type { LatentSeen } from "./read-latents.ts";
import { because, describeTime, listNames, type Reason, someNames } from "./reasons.ts";

/** What keeps a latent worker from giving an instance to a build, or that one is about to be started. */
export function explainLatent(latent: LatentSeen, closedUntil: number | null = null): Reason {
  const { name, workers, heldLocks } = latent;
  const facts = { latent: name, instances: someNames(workers) };
  const obstacle = judgeLatent(latent, closedUntil);
  if (!obstacle) return because("instance_due", describeDue(name, heldLocks), facts);
  return because(obstacle.kind, describe(latent, obstacle), { ...facts, ...factsOf(latent, obstacle) });
}

/** Which locks a builder needs is in its config alone: those that are held now are all that it can wait for. */
function describeDue(name: string, heldLocks: readonly string[]): string {
  const due = `An instance of the latent worker ${name} is about to be started`;
  if (heldLocks.length === 0) return `${due}.`;
  const [that, those] = heldLocks.length === 1 ? ["that lock", "is"] : ["one of those locks", "are"];
  return `${due}, unless its builder needs ${that}: ${listNames(heldLocks)} ${those} held now.`;
}

function describe({ name, startWords }: LatentSeen, obstacle: LatentObstacle): string {
  switch (obstacle.kind) {
    case "instance_starting": {
      const before = obstacle.failure === null ? "" : `; the last start failed: ${obstacle.failure}`;
      const words = startWords === null ? "" : `; its log ends with: ${startWords}`;
      return obstacle.count === 1
        ? `An instance of the latent worker ${name} is starting${words}${before}.`
        : `${obstacle.count} instances of the latent worker ${name} are starting${startWords === null ? "" : `; the log of one ends with: ${startWords}`}${before}.`;
    }
    case "instances_busy":
      return obstacle.limit === 1
        ? `The only instance of the latent worker ${name} is in use.`
        : `All ${obstacle.limit} instances of the latent worker ${name} are in use.`;
    case "instances_closed":
      return `The latent worker ${name} is outside its hours until ${describeTime(obstacle.until)}.`;
    case "start_failed": {
      const seconds = Math.ceil(obstacle.retryIn);
      const next = seconds === 0 ? "due now" : `in ${seconds} s`;
      return `The last start of an instance of ${name} failed: ${obstacle.failure}; the next attempt is ${next}.`;
    }
  }
}

function factsOf({ startWords }: LatentSeen, obstacle: LatentObstacle): Record<string, Json> {
  switch (obstacle.kind) {
    case "instance_starting":
      return {
        starting: obstacle.count,
        ...(startWords === null ? {} : { last_words: startWords }),
        ...(obstacle.failure === null ? {} : { failure: obstacle.failure }),
      };
    case "instances_busy":
      return { max_instances: obstacle.limit };
    case "instances_closed":
      return { until: obstacle.until };
    case "start_failed":
      return { failure: obstacle.failure, retry_in: Math.ceil(obstacle.retryIn) };
  }
}
