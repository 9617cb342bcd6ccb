import { LoopSign } from "@multimaster/cluster";

/** What the event loops of a master's threads show: one sign each, over all terms and restarts of threads. */
export class LoopSigns {
  readonly main = new LoopSign();
  #ofRoles: ReadonlyMap<string, LoopSign>;

  constructor(roles: readonly string[]) {
    this.#ofRoles = new Map(roles.map((name) => [name, new LoopSign()]));
  }

  /** Also of roles that the master does not have now: they may be added. */
  get all(): readonly LoopSign[] {
    return [this.main, ...this.#ofRoles.values()];
  }

  of(role: string): LoopSign {
    const sign = this.#ofRoles.get(role);
    if (!sign) throw new Error(`there is no role ${role}`);
    return sign;
  }
}
