import type { Clock, Logger } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { RunningBuilds } from "./running-builds.ts";

export interface StrayClaimsOptions {
  readonly data: Pick<Data, "updates">;
  readonly builds: Pick<RunningBuilds, "isWorkingFor" | "onChange">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often claims are compared with the builds of this engine. */
const everyMs = 5000;
/** Open requests that one look reads beside those that this engine has worked for: all of them come in turn. */
const pageSize = 500;

/**
 * Releases claims of this master that no one here works for: the answer of a claim was lost, or its build could not be
 * written. What a look reads does not grow with the requests that wait.
 */
export class StrayClaims {
  #options: StrayClaimsOptions;
  /** Claims whose answer did not come: made or not, no build of theirs was started. */
  #unanswered = new Set<number>();
  /** Requests whose builds have ended here since the last look. */
  #ended = new Set<number>();
  /** Claims found without a build at the last look; two looks in a row make them strays. */
  #suspects = new Set<number>();
  /** Open requests up to this one have been compared in this turn. */
  #comparedTo = 0;
  #lookedAt = 0;
  /** Stops listening. */
  readonly stop: () => void;

  constructor(options: StrayClaimsOptions) {
    this.#options = options;
    this.stop = options.builds.onChange((build, event) => {
      if (event === "ended") this.#ended.add(build.buildrequestid);
    });
  }

  /** The answer to the claim of a request did not come. */
  noteUnanswered(buildrequestid: number): void {
    this.#unanswered.add(buildrequestid);
  }

  /**
   * Compares, and releases what no one works for. Claims of a lost answer immediately, others when seen in two looks: one may
   * fall between a build's end and its row's.
   */
  async release(isClaiming: (buildrequestid: number) => boolean): Promise<void> {
    const { data, builds, clock, log } = this.#options;
    if (clock.now() - this.#lookedAt < everyMs && this.#unanswered.size === 0) return;
    this.#lookedAt = clock.now();
    const asked = new Set([...this.#unanswered, ...this.#ended, ...this.#suspects]);
    const known = await data.updates.buildrequests.claimedByMe([...asked]);
    const page = await data.updates.buildrequests.claimedByMeAfter(this.#comparedTo, pageSize);
    this.#comparedTo = page.last ?? 0;
    const isIdle = (id: number) => !isClaiming(id) && !builds.isWorkingFor(id);
    const idle = [...new Set([...known, ...page.claimed])].filter(isIdle);
    const unanswered = idle.filter((id) => this.#unanswered.has(id));
    const failed = idle.filter((id) => this.#suspects.has(id) && !this.#unanswered.has(id));
    this.#unanswered.clear();
    for (const id of asked) this.#ended.delete(id);
    this.#suspects = new Set(idle);
    const strays = [...unanswered, ...failed];
    if (strays.length === 0) return;
    log.warn({ buildrequestids: strays }, `${strays.length} claimed build requests without a build are released`);
    await data.updates.buildrequests.release(unanswered);
    await data.updates.buildrequests.release(failed, "failed");
  }
}
