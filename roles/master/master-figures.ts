import { type FiguresText, measure, mergeFigures, type Registry } from "@multimaster/core";
import type { RoleHost } from "./threads/role-host.ts";

/** The figures of a whole master: of its own parts and of its roles. */
export class MasterFigures {
  #hosts: () => readonly RoleHost[];
  #main: Registry | undefined;

  constructor(hosts: () => readonly RoleHost[]) {
    this.#hosts = hosts;
  }

  setMain(metrics: Registry): void {
    this.#main = metrics;
  }

  async text(): Promise<FiguresText> {
    const parts = await Promise.all([
      this.#main ? measure(this.#main) : [],
      ...this.#hosts().map((host) => host.measure()),
    ]);
    return mergeFigures(parts);
  }
}
