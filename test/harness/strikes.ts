import { setTimeout as sleep } from "node:timers/promises";
import type { Diagram, Seat } from "./diagram.ts";

/** What a test does to a part of the picture; resolves when that is over, as far as the world is concerned. */
export type Strike = (diagram: Diagram) => Promise<void>;

export const seatOf = (diagram: Diagram, role: Seat["role"], place: Seat["place"] = "a"): Seat =>
  diagram.seats().find((seat) => seat.role === role && seat.place === place) as Seat;

/** Killed, and another one started in its place, with another name. */
export const killed =
  (role: Seat["role"], place: Seat["place"] = "a"): Strike =>
  async (diagram) => {
    const seat = seatOf(diagram, role, place);
    await seat.master.kill9();
    await diagram.replace(seat);
  };

/** Stopped for two and a half leases. */
export const frozen =
  (role: Seat["role"], leaseMs: number, place: Seat["place"] = "b"): Strike =>
  async (diagram) => {
    const { master } = seatOf(diagram, role, place);
    master.freeze();
    await sleep(leaseMs * 2.5);
    master.thaw();
  };

/** Those who are there have a lease, and no one else: what the dead had is free. */
export async function areAllLeased(diagram: Diagram): Promise<boolean> {
  const open = await diagram.cluster.rows("select 1 from mm_leases where buried_at is null and ended_at is null");
  return open.length === diagram.seats().length;
}
