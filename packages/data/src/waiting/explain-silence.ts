import { because, type Reason } from "./reasons.ts";

/** An engine that should have renewed its lease: it may be dead, and is not evicted yet. */
export interface SilentEngine {
  readonly masterid: number;
  readonly name: string;
  /** Seconds since it last renewed its lease. */
  readonly silence: number;
  /** Seconds until that lease ends; only then another master may evict it. */
  readonly leaseRemaining: number;
}

/** What is known of it, as a relative clause: "which has not renewed its lease for 8 s: …". */
export function describeSilence({ name, silence, leaseRemaining }: Omit<SilentEngine, "masterid">): string {
  const rest = Math.ceil(leaseRemaining);
  const when = rest > 0 ? `in ${rest} s` : "now";
  return `which has not renewed its lease for ${Math.floor(silence)} s: if ${name} is dead, it is evicted ${when}`;
}

/** Why nothing begins there for the moment, whatever its rows say. */
export function explainSilence(engine: SilentEngine): Reason {
  const { masterid, name: master, silence } = engine;
  const sentence = `The builder is on ${master}, ${describeSilence(engine)}.`;
  return because("engine_unresponsive", sentence, { masterid, master, silent_for: Math.floor(silence) });
}
