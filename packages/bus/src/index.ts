export * from "./contract.ts";
export { createBus } from "./create-bus.ts";
