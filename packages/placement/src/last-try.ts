import type { RequestObstacle } from "./world.ts";

/** How often builds of a request were lost with their engine or worker, and how many losses end it; null: none do. */
export interface LossesView {
  readonly engineDeaths: number;
  readonly maxEngineDeaths: number | null;
  readonly workerLosses: number;
  readonly maxWorkerLosses: number | null;
}

/**
 * Whether a request has been lost before and one more loss ends it. All builds that run on an engine or worker that is lost
 * count the loss, since nothing shows which of them caused it.
 */
export function isOnLastTry({ engineDeaths, maxEngineDeaths, workerLosses, maxWorkerLosses }: LossesView): boolean {
  return isLast(engineDeaths, maxEngineDeaths) || isLast(workerLosses, maxWorkerLosses);
}

function isLast(losses: number, most: number | null): boolean {
  return losses > 0 && most !== null && losses >= most - 1;
}

/**
 * Why an engine does not start a request, whatever its builder; undefined when it may. Requests on their last try never run
 * together on one engine: a build that ends its engine then ends no other request with its own.
 */
export function judgeRequest(
  request: { readonly isOnLastTry: boolean },
  engine: { readonly runsLastTry: boolean },
): RequestObstacle | undefined {
  return request.isOnLastTry && engine.runsLastTry ? { kind: "last_try" } : undefined;
}
