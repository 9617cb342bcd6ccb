import type { Clock, Logger, Service } from "@multimaster/core";
import type { Actor, AuditUpdates } from "@multimaster/data";
import { auditedActor } from "@multimaster/data";

/** In each such time a master writes at most so many rows of what it refused: the rest is one row with their number. */
const flushMs = 10_000;
const maxRows = 10;

export interface RefusedAct {
  readonly actor: Actor;
  readonly action: string;
  readonly object: string;
  readonly outcome: "refused" | "failed";
  readonly detail: string;
}

/** Notes in the audit trail what was not done. Anybody can be refused as often as they like, so these rows are bounded. */
export interface Refusals extends Service {
  note(act: RefusedAct): void;
  /** Writes what has been noted. */
  flush(): Promise<void>;
}

export interface RefusalsOptions {
  readonly audit: Pick<AuditUpdates, "note">;
  readonly clock: Clock;
  readonly log: Logger;
}

export function createRefusals({ audit, clock, log }: RefusalsOptions): Refusals {
  let acts = new Map<string, { act: RefusedAct; times: number }>();
  let others = 0;
  let isStopped = false;
  let timer: ReturnType<Clock["after"]> | undefined;

  async function flush(): Promise<void> {
    timer?.cancel();
    timer = undefined;
    const noted = acts;
    const more = others;
    acts = new Map();
    others = 0;
    const rows = [...noted.values()].map(({ act: { actor, ...rest }, times }) => ({
      ...auditedActor(actor),
      ...rest,
      times,
    }));
    if (more > 0) rows.push(manyMore(more));
    try {
      await audit.note(rows);
    } catch (error) {
      log.warn({ err: error, rows: rows.length }, "what was refused could not be noted in the audit trail");
    }
  }

  return {
    name: "refusals",
    note(act) {
      if (isStopped) return;
      // One line a kind of attempt: who, from where, what, on what.
      const key = JSON.stringify([act.actor.identity, act.actor.address, act.action, act.object, act.outcome]);
      const known = acts.get(key);
      if (known) known.times++;
      else if (acts.size < maxRows) acts.set(key, { act, times: 1 });
      else others++;
      timer ??= clock.after(flushMs, () => void flush());
    },
    flush,
    async start() {},
    async stop() {
      isStopped = true;
      await flush();
    },
  };
}

function manyMore(times: number) {
  const actor = { who: "others", name: "others", by: "nothing" as const, address: null };
  return {
    ...actor,
    action: "various",
    object: "various",
    outcome: "refused" as const,
    detail: "more than are listed",
    times,
  };
}
