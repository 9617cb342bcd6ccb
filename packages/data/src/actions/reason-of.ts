import { type Actor, anonymousActor } from "../model/actor.ts";
import { noReason } from "./parameters.ts";

/** Why something ends: by whom, where that is known, and what was given as the reason. */
export function reasonOf(actor: Actor, given: string): string {
  if (actor.identity === anonymousActor.identity) return given;
  return given === noReason ? `by ${actor.name}` : `by ${actor.name}: ${given}`;
}
