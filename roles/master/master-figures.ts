import { type FiguresText, measure, mergeFigures, type Registry, systemClock, waitAtMost } from "@multimaster/core";
import type { RoleThread } from "./threads/role-thread.ts";

/** A thread that takes longer has others wait too long; its figures are left out this time. */
const answerMs = 5_000;

/** The figures of a whole master: of its main thread and of those of its roles. */
export class MasterFigures {
  #threads: () => readonly RoleThread[];
  #main: Registry | undefined;

  constructor(threads: () => readonly RoleThread[]) {
    this.#threads = threads;
  }

  setMain(metrics: Registry): void {
    this.#main = metrics;
  }

  async text(): Promise<FiguresText> {
    const parts = await Promise.all([
      this.#main ? measure(this.#main) : [],
      ...this.#threads().map((thread) => waitAtMost(systemClock, answerMs, thread.measure())),
    ]);
    return mergeFigures(parts.map((part) => part ?? []));
  }
}
