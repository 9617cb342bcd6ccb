import { type Clock, groupOfAddress, type Logger, networkOfAddress, type Service } from "@multimaster/core";
import type { Actor, AuditUpdates } from "@multimaster/data";
import { auditedActor } from "@multimaster/data";

/**
 * In each interval of this length, a master writes a bounded number of rows about refused actions. The rows are divided among
 * clients and addresses, so that one address cannot displace the rows of another.
 */
const flushMs = 10_000;
/** Number of clients whose attempts get rows of their own. */
const maxAskers = 10;
/** Rows per client; one more contains the number of further attempts. */
const maxRows = 3;
/** Networks of further clients, one row each; one more contains the number of the rest. */
const maxNetworks = 20;

/** Replaces all unknown method names, because a client can invent any number of them. */
export const unknownMethod = { action: "unknown method", object: "various" } as const;

export interface RefusedAct {
  readonly actor: Actor;
  readonly action: string;
  readonly object: string;
  readonly outcome: "refused" | "failed";
  readonly detail: string;
}

/** Records refused actions in the audit trail. Any client can be refused at any rate, so the number of rows is bounded. */
export interface Refusals extends Service {
  note(act: RefusedAct): void;
  /** Writes the recorded refusals. */
  flush(): Promise<void>;
}

export interface RefusalsOptions {
  readonly audit: Pick<AuditUpdates, "note">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The refused attempts of one client. */
interface Share {
  readonly actor: Actor;
  readonly acts: Map<string, { act: RefusedAct; times: number }>;
  more: number;
}

export function createRefusals({ audit, clock, log }: RefusalsOptions): Refusals {
  let noted = new Noted();
  let isStopped = false;
  let timer: ReturnType<Clock["after"]> | undefined;

  async function flush(): Promise<void> {
    timer?.cancel();
    timer = undefined;
    const rows = noted.rows();
    noted = new Noted();
    try {
      await audit.note(rows);
    } catch (error) {
      log.warn({ err: error, rows: rows.length }, "refused actions could not be written to the audit trail");
    }
  }

  return {
    name: "refusals",
    note(act) {
      if (isStopped) return;
      noted.add(act);
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

/** The refused attempts since the last write. */
class Noted {
  readonly #shares = new Map<string, Share>();
  readonly #networks = new Map<string, number>();
  #others = 0;

  add(act: RefusedAct): void {
    const share = this.#shareOf(act.actor);
    if (!share) return this.#addToNetwork(act.actor.address);
    // One row per kind of attempt: action, object and outcome.
    const key = JSON.stringify([act.action, act.object, act.outcome]);
    const known = share.acts.get(key);
    if (known) known.times++;
    else if (share.acts.size < maxRows) share.acts.set(key, { act, times: 1 });
    else share.more++;
  }

  rows() {
    const rows = [...this.#shares.values()].flatMap(({ actor, acts, more }) => {
      const own = [...acts.values()].map(({ act: { actor: by, ...rest }, times }) => ({
        ...auditedActor(by),
        ...rest,
        times,
      }));
      return more === 0 ? own : [...own, { ...auditedActor(actor), ...various, times: more }];
    });
    const networks = [...this.#networks].map(([address, times]) => ({ ...unnamed, address, ...various, times }));
    const others = this.#others === 0 ? [] : [{ ...unnamed, address: null, ...various, times: this.#others }];
    return [...rows, ...networks, ...others];
  }

  #shareOf(actor: Actor): Share | undefined {
    const key = JSON.stringify([actor.identity, groupOfAddress(actor.address ?? "")]);
    let share = this.#shares.get(key);
    if (share || this.#shares.size >= maxAskers) return share;
    share = { actor, acts: new Map(), more: 0 };
    this.#shares.set(key, share);
    return share;
  }

  #addToNetwork(address: string | null): void {
    const network = networkOfAddress(address ?? "");
    const known = this.#networks.get(network);
    if (known === undefined && this.#networks.size >= maxNetworks) this.#others++;
    else this.#networks.set(network, (known ?? 0) + 1);
  }
}

const unnamed = { who: "others", name: "others", by: "nothing" as const };
const various = {
  action: "various",
  object: "various",
  outcome: "refused" as const,
  detail: "more than are listed",
};
