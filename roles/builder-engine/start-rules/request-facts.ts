import type { FreeWorkerFacts, PendingRequestFacts } from "@multimaster/config";
import { trustedProperty } from "@multimaster/core";
import type { Data, PendingRequest, RequestDetails } from "@multimaster/data";
import { isForkBuild } from "../builds/fork-build.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";

/** Requests whose rows are remembered; those that have not been asked for longest are forgotten. */
const mostKnown = 10_000;

type Waiting = Pick<PendingRequest, "buildrequestid" | "priority" | "submittedAt">;

/** What functions of the config see of requests. What does not change is read once. */
export class RequestFacts {
  #data: Data;
  #known = new Map<number, RequestDetails>();

  constructor(data: Data) {
    this.#data = data;
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
    const found = known ?? (await this.#data.updates.buildrequests.details(buildrequestid));
    if (!found) return undefined;
    this.#known.delete(buildrequestid);
    this.#known.set(buildrequestid, found);
    for (const id of this.#known.keys()) {
      if (this.#known.size <= mostKnown) break;
      this.#known.delete(id);
    }
    return found;
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
