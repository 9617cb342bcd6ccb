import type { Data, PendingRequest, RequestDetails, WantedApproval } from "@multimaster/data";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import { isForkBuild } from "../builds/fork-build.ts";

/** Requests that are remembered as approved. */
const mostKnown = 20_000;
/** How often requests are looked for about which no one has decided in time. */
const expireEveryMs = 10_000;

export interface ApprovalsOptions {
  readonly builders: ReadonlyMap<number, ConfiguredBuilder>;
  readonly data: Pick<Data, "updates">;
}

/**
 * Keeps requests for strangers' code from starting until a user has approved them. What waits has a row, by which all engines
 * pass over it; only what is new is asked about here.
 */
export class Approvals {
  #options: ApprovalsOptions;
  /** An approval is never taken back. */
  #approved = new Set<number>();
  #expiredAt = Number.NEGATIVE_INFINITY;
  #findings = 0;

  constructor(options: ApprovalsOptions) {
    this.#options = options;
  }

  /** Grows with each request that is found to wait: others behind it are worth trying. */
  get findings(): number {
    return this.#findings;
  }

  /** Those of these requests that may start. */
  async admit<R extends PendingRequest>(requests: readonly R[]): Promise<readonly R[]> {
    const guarded = requests.filter((request) => this.#isGuarded(request));
    if (guarded.length === 0) return requests;
    const { buildrequests, approvals } = this.#options.data.updates;
    const found = await Promise.all(guarded.map(({ buildrequestid }) => buildrequests.details(buildrequestid)));
    const wanted = found.flatMap((details) => (details && isForkBuild(details) ? this.#want(details) : []));
    if (wanted.length === 0) return requests;
    for (const id of await approvals.ask(wanted)) this.#remember(id);
    const held = new Set(wanted.map(({ buildrequestid }) => buildrequestid).filter((id) => !this.#approved.has(id)));
    this.#findings += held.size;
    return requests.filter(({ buildrequestid }) => !held.has(buildrequestid));
  }

  /** Ends requests about which no one has decided in time, if some builder here asks for approvals. `now`: by the clock. */
  async expire(now: number): Promise<void> {
    const { builders, data } = this.#options;
    if (now - this.#expiredAt < expireEveryMs) return;
    this.#expiredAt = now;
    if ([...builders.values()].some(({ config }) => config.approval?.untrusted)) await data.updates.approvals.expire();
  }

  #isGuarded({ buildrequestid, builderid }: PendingRequest): boolean {
    const approval = this.#options.builders.get(builderid)?.config.approval;
    return approval?.untrusted === true && !this.#approved.has(buildrequestid);
  }

  #want(details: RequestDetails): WantedApproval {
    const expires = this.#options.builders.get(details.builderid)?.config.approval?.expires ?? null;
    return {
      buildrequestid: details.buildrequestid,
      subject: describeSubject(details),
      expiresInS: expires === null ? null : expires / 1000,
    };
  }

  #remember(id: number): void {
    if (this.#approved.size >= mostKnown) this.#approved.clear();
    this.#approved.add(id);
  }
}

/** "pull request of a stranger (refs/pull/7/head at 1a2b3c4d5e6f)". */
function describeSubject({ sourceStamps, changes }: RequestDetails): string {
  const patched = sourceStamps.find(({ patch }) => patch !== null);
  const changed = new Set(changes.map(({ sourcestamp }) => sourcestamp.ssid));
  const stamp = patched ?? sourceStamps.find(({ ssid }) => changed.has(ssid)) ?? sourceStamps[0];
  const kind = patched ? "patch" : "pull request of a stranger";
  const branch = stamp?.branch || "the default branch";
  return `${kind} (${branch}${stamp?.revision ? ` at ${stamp.revision.slice(0, 12)}` : ""})`;
}
