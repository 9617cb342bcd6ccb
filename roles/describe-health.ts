import type { Json } from "@multimaster/core";
import type { Data } from "@multimaster/data";

/** What `/health` answers: the process lives, and how well. */
export function describeHealth(master: string, { bus }: Pick<Data, "bus">): Json {
  const { kind, state, degradedSince } = bus;
  return { status: state === "degraded" ? "degraded" : "ok", master, bus: { kind, state, degradedSince } };
}
