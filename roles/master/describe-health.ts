import type { Json } from "@multimaster/core";
import type { Data } from "@multimaster/data";

/** What `/health` answers: the process works, and its state. */
export function describeHealth(master: string, { bus, writes }: Pick<Data, "bus" | "writes">): Json {
  const { kind, state, degradedSince } = bus;
  const refusal = writes?.refusal;
  return {
    status: state === "degraded" || refusal ? "degraded" : "ok",
    master,
    bus: { kind, state, degradedSince },
    ...(refusal && {
      database: { takesWrites: false, reason: refusal.reason, since: Math.floor(refusal.since / 1000) },
    }),
  };
}
