import type { MessagePort } from "node:worker_threads";
import type { Json } from "@multimaster/core";
import type { Bus, BusState, Key, Pattern, Publisher } from "../contract.ts";

/** What a thread sends to the thread that has the bus. */
export type ToHub =
  | { readonly kind: "publish"; readonly key: Key; readonly payload: string }
  | { readonly kind: "subscribe"; readonly id: number; readonly pattern: Pattern }
  | { readonly kind: "unsubscribe"; readonly id: number; readonly pattern: Pattern }
  | { readonly kind: "note"; readonly note: string }
  /** So many messages and notes have been taken. */
  | { readonly kind: "taken"; readonly count: number };

/** The state of the bus, as the threads see it. */
export interface HubState {
  readonly state: BusState;
  readonly degradedSince: number | null;
}

/** What a thread receives. */
export type FromHub =
  | {
      readonly kind: "message";
      readonly pattern: Pattern;
      readonly key: Key;
      readonly payload: Json;
      readonly publisher: Publisher;
    }
  | { readonly kind: "note"; readonly note: string }
  /** The subscription or its end is in effect; the reason if it was refused. */
  | { readonly kind: "done"; readonly id: number; readonly refused?: string }
  | ({ readonly kind: "state" } & HubState)
  /** Messages were dropped because this thread did not take them. */
  | { readonly kind: "missed" };

/** What a thread is started with, to reach the bus of its process. */
export interface BusPort extends HubState {
  readonly port: MessagePort;
  readonly busKind: Bus["kind"];
  readonly isMuted: boolean;
  /** Counters of who subscribes (`Interest`), if the bus has them. */
  readonly interest?: SharedArrayBuffer;
}
