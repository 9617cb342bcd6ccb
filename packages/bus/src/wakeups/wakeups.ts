import type { Json } from "@multimaster/core";
import type { Key, WakeupsView } from "../contract.ts";
import type { Wakeup } from "./wakeup.ts";

/** Carries wake-ups to other processes while a router is away; the bus passes it what is published, and says when the router is away. */
export interface Wakeups extends WakeupsView {
  /** Resolves after the first attempt to listen, whatever came of it. */
  start(receive: (wakeup: Wakeup) => void): Promise<void>;
  stop(): Promise<void>;
  /** Something was published. */
  note(key: Key, payload: Json): void;
  setRouterAway(isAway: boolean): void;
}
