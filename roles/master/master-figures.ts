import { type FiguresText, measure, mergeFigures, type Registry } from "@multimaster/core";
import type { RoleThread } from "./threads/role-thread.ts";

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
      ...this.#threads().map((thread) => thread.measure()),
    ]);
    return mergeFigures(parts);
  }
}
