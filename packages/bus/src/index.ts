export * from "./contract.ts";
export { createBus } from "./create-bus.ts";
export type { Interest } from "./interest.ts";
export { type BusHub, createBusHub } from "./threads/bus-hub.ts";
export { createPortBus } from "./threads/port-bus.ts";
export type { BusPort } from "./threads/port-messages.ts";
export { notesOf } from "./threads/thread-notes.ts";
