import type { MasterStatus, UpgradeRows } from "@multimaster/operator/upgrade-rows";
import { endSuccessor } from "./end-successor.ts";
import type { Replacement } from "./plan.ts";
import { describeDrain, type ReplacementReport, reportPlan, seconds, type UpgradeReport } from "./report.ts";
import type { Successor } from "./start-successor.ts";
import { waitUntilReady } from "./wait-until-ready.ts";

export interface UpgradeTools {
  rows: Pick<UpgradeRows, "masters" | "drain">;
  release: string;
  start(replacement: Replacement): Successor;
  askReady(name: string, roles: readonly string[]): Promise<true | string>;
  readyTimeoutMs: number;
  /** The deadline of each drain; absent: a drain takes as long as its running builds. */
  deadlineMs: number | undefined;
  interrupted: AbortSignal;
  /** Progress, line by line. */
  print(text: string): void;
}

/**
 * Starts all successors, waits until all are ready, then drains the old masters. Before the first drain, any problem undoes
 * the whole upgrade. After it the new masters stay, and the report lists what is incomplete.
 */
export async function upgradeMasters(plan: readonly Replacement[], tools: UpgradeTools): Promise<UpgradeReport> {
  const upgrade = new Upgrade(plan, tools);
  return upgrade.run();
}

/**
 * The groups of masters that drain together. All successors are ready by then, so there is no gap. Schedulers first: their
 * claims move within a moment, and the new rules apply. Then uis, which hold nothing. Engines last, and all together: a drain
 * lasts as long as the longest build, and idle workers move at the engines' own pace.
 */
export function drainOrder(plan: readonly Replacement[]): Replacement[][] {
  const rank = ({ roles }: Replacement) => (roles.includes("builder-engine") ? 2 : roles.includes("ui") ? 1 : 0);
  return [0, 1, 2].map((wave) => plan.filter((one) => rank(one) === wave)).filter((wave) => wave.length > 0);
}

class Upgrade {
  #plan: readonly Replacement[];
  #tools: UpgradeTools;
  #reports: ReadonlyMap<Replacement, ReplacementReport>;
  #successors: Successor[] = [];

  constructor(plan: readonly Replacement[], tools: UpgradeTools) {
    this.#plan = plan;
    this.#tools = tools;
    this.#reports = new Map(plan.map((replacement) => [replacement, reportPlan(replacement)]));
  }

  async run(): Promise<UpgradeReport> {
    const problem = await this.#startAll().catch(explain);
    if (problem !== undefined) return this.#undo(problem);
    for (const wave of drainOrder(this.#plan)) {
      const trouble = await this.#drainAll(wave).catch(explain);
      if (trouble !== undefined) return this.#stopHalfway(trouble);
    }
    const died = this.#namesOf("died");
    if (died.length > 0) {
      const sentence = `The new masters run. These ended without releasing their work: ${died.join(", ")}; it is done again when their leases have expired.`;
      return this.#conclude("incomplete", sentence);
    }
    const count = this.#plan.length === 1 ? "1 master was" : `${this.#plan.length} masters were`;
    return this.#conclude("upgraded", `${count} upgraded: the new ones run, the old ones have ended.`);
  }

  /** Starts the successors and waits until they are ready; returns the reason if they are not. */
  async #startAll(): Promise<string | undefined> {
    const { start, print, rows } = this.#tools;
    for (const replacement of this.#plan) {
      const successor = start(replacement);
      this.#successors.push(successor);
      Object.assign(this.#report(replacement).successor, { state: "starting", log: successor.logFile });
      print(`starting ${replacement.name} for ${replacement.old.name}, log ${successor.logFile}`);
    }
    return waitUntilReady(this.#successors, {
      ...this.#tools,
      timeoutMs: this.#tools.readyTimeoutMs,
      masters: () => rows.masters(),
      onReady: (successor, row, after) => this.#noteReady(successor, row, after),
    });
  }

  #noteReady({ replacement }: Successor, { pid }: MasterStatus, readyAfter: number): void {
    Object.assign(this.#report(replacement).successor, { state: "ready", pid, readyAfter });
    this.#tools.print(`${replacement.name} is ready after ${seconds(readyAfter)}, pid ${pid}`);
  }

  async #undo(problem: string): Promise<UpgradeReport> {
    const { rows, deadlineMs, print } = this.#tools;
    print(`ending the new masters: ${problem}`);
    const left = await Promise.all(
      this.#successors.map(async (successor) => {
        const facts = this.#report(successor.replacement).successor;
        const still = await endSuccessor(successor, { rows, deadlineMs, hadWork: facts.state === "ready" });
        if (still === undefined) facts.state = "ended";
        return still ?? [];
      }),
    );
    const standing = left.flat();
    const ended =
      standing.length === 0 ? "The new ones that were started have ended" : `Still running: ${standing.join(", ")}`;
    return this.#conclude("undone", `Nothing was upgraded: ${problem}\n${ended}; the old masters run as before.`);
  }

  /** Drains some of the old masters; returns the reason why the others must not follow. */
  async #drainAll(wave: readonly Replacement[]): Promise<string | undefined> {
    const { interrupted } = this.#tools;
    if (interrupted.aborted) return "interrupted";
    const missing = await this.#findMissing();
    if (missing.length > 0) return `no longer ready: ${missing.join(", ")}`;
    const ends = await Promise.allSettled(wave.map((replacement) => this.#drain(replacement)));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    if (this.#namesOf("draining").length === 0) return undefined;
    return interrupted.aborted ? "interrupted" : "not drained within the deadline";
  }

  async #drain(replacement: Replacement): Promise<void> {
    const { rows, deadlineMs, interrupted, print } = this.#tools;
    const { old } = replacement;
    print(`draining ${old.name}, pid ${old.pid}`);
    Object.assign(this.#report(replacement), { state: "draining" });
    const drain = await rows.drain(old, { deadlineMs, signal: interrupted });
    Object.assign(this.#report(replacement), { state: drain.outcome, drain });
    print(`${old.name} ${describeDrain(drain)}`);
  }

  /** Successors that were ready and no longer are. */
  async #findMissing(): Promise<string[]> {
    const masters = await this.#tools.rows.masters();
    const isThere = ({ name, pid }: ReplacementReport["successor"]) =>
      masters.some((row) => row.name === name && row.pid === pid && row.alive && row.state === "running");
    return [...this.#reports.values()]
      .map(({ successor }) => successor)
      .flatMap((one) => (isThere(one) ? [] : one.name));
  }

  #stopHalfway(why: string): UpgradeReport {
    const draining = this.#namesOf("draining");
    const running = this.#namesOf("running");
    const sentences = [
      `The upgrade is not complete: ${why}. The new masters stay.`,
      ...(draining.length > 0 ? [`These are draining, and end by themselves: ${draining.join(", ")}.`] : []),
      ...(running.length > 0 ? [`These were not drained, and run beside the new ones: ${running.join(", ")}.`] : []),
    ];
    return this.#conclude("incomplete", sentences.join(" "));
  }

  #namesOf(state: ReplacementReport["state"]): string[] {
    const those = [...this.#reports.values()].filter((report) => report.state === state);
    return those.map(({ master, pid }) => `${master} (pid ${pid})`);
  }

  #report(replacement: Replacement): ReplacementReport {
    return this.#reports.get(replacement) as ReplacementReport;
  }

  #conclude(outcome: UpgradeReport["outcome"], sentence: string): UpgradeReport {
    return { outcome, sentence, masters: [...this.#reports.values()] };
  }
}

function explain(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
}
