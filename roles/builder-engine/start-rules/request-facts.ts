import type { FreeWorkerFacts, PendingRequestFacts } from "@multimaster/config";
import { trustedProperty } from "@multimaster/core";
import type { Data, PendingRequest, RequestDetails } from "@multimaster/data";
import { isForkBuild } from "../builds/fork-build.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";

/** Requests whose rows are remembered, and their characters as JSON; those that have not been asked for longest are forgotten. */
const mostKnown = { requests: 10_000, characters: 32 * 1024 * 1024 };

type Waiting = Pick<PendingRequest, "buildrequestid" | "priority" | "submittedAt">;

/** What functions of the config see of requests. What does not change is read once. */
export class RequestFacts {
  #data: Data;
  #known = new Map<number, { readonly details: RequestDetails; readonly size: number }>();
  #size = 0;
  #most: typeof mostKnown;

  constructor(data: Data, most = mostKnown) {
    this.#data = data;
    this.#most = most;
  }

  /** Reads what is not known yet; those of requests that do not exist are left out. */
  async read(requests: readonly Waiting[], builder: string): Promise<PendingRequestFacts[]> {
    const details = await Promise.all(requests.map(({ buildrequestid }) => this.#find(buildrequestid)));
    return requests.flatMap((request, i) => {
      const found = details[i];
      return found ? [describeRequest(request, builder, found)] : [];
    });
  }

  async #find(buildrequestid: number): Promise<RequestDetails | undefined> {
    const known = this.#known.get(buildrequestid);
    const details = known?.details ?? (await this.#data.updates.buildrequests.details(buildrequestid));
    if (!details) return undefined;
    const size = known?.size ?? JSON.stringify(details).length;
    this.#forget(buildrequestid);
    this.#known.set(buildrequestid, { details, size });
    this.#size += size;
    for (const id of this.#known.keys()) {
      if (this.#known.size <= this.#most.requests && this.#size <= this.#most.characters) break;
      this.#forget(id);
    }
    return details;
  }

  #forget(buildrequestid: number): void {
    this.#size -= this.#known.get(buildrequestid)?.size ?? 0;
    this.#known.delete(buildrequestid);
  }
}

function describeRequest(
  { buildrequestid, priority, submittedAt }: Waiting,
  builder: string,
  details: RequestDetails,
): PendingRequestFacts {
  const { reason, waitedFor, sourceStamps, properties } = details;
  const sources = sourceStamps.map(({ codebase, repository, project, branch, revision }) => ({
    codebase,
    repository,
    project,
    branch,
    revision,
  }));
  const values = Object.fromEntries(Object.entries(properties).map(([name, [value]]) => [name, value]));
  // A function that changes what it is given changes nothing here.
  return structuredClone({
    buildrequestid,
    builder,
    priority,
    submittedAt,
    reason,
    waitedFor,
    sources,
    properties: { ...values, [trustedProperty]: !isForkBuild(details) },
  });
}

/** What functions of the config see of a worker. */
export function describeWorker({ name, info, config, builds }: AttachedWorker): FreeWorkerFacts {
  return {
    name,
    system: info.system,
    properties: structuredClone(config.properties),
    builds,
    maxBuilds: config.maxBuilds,
  };
}
