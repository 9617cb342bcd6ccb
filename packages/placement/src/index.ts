export * from "./instances.ts";
export { judgeBuilder, judgeEngine, judgeWorker } from "./judge.ts";
export { isOnLastTry, judgeRequest, type LossesView } from "./last-try.ts";
export * from "./locks.ts";
export { type Placement, place, type WorkerOutcome } from "./place.ts";
export { listStartable, type PlaceableBuilder, placeRequests } from "./place-requests.ts";
export type * from "./world.ts";
