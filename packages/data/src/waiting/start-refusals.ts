import { type Connection, readKeptCapacities, readStartRefusals, type StartRefusal } from "@multimaster/database";
import type { KeptFor, PairObstacle } from "@multimaster/placement";

type Row = StartRefusal & { readonly masterid: number };

/** The option of a row that says for which request a worker keeps its free capacity. */
const capacity = "capacity";

/** The option of a row that says which lock an engine found taken, so that it does not try requests of the builder. */
const takenLock = "lock";

const keyOf = (...ids: readonly (number | undefined)[]) => ids.join(" ");

/** What the functions of engines' configs have against requests of some builders, and what workers are kept for. */
export class StartRefusals {
  /** Of one request on one worker, of one request on any, and of any request of the builder. */
  #rows = new Map<string, Row>();
  /** The first that was refused on a worker: others of the builder wait behind it. */
  #firsts = new Map<string, Row>();
  #requests = new Set<number>();
  /** Names of locks. */
  #locks = new Map<string, string>();
  #kept: ReadonlyMap<string, KeptFor>;

  constructor(rows: readonly Row[], kept: ReadonlyMap<string, KeptFor>) {
    this.#kept = kept;
    for (const row of rows) {
      const { masterid, builderid, buildrequestid, workerid } = row;
      if (row.option === capacity) continue;
      if (row.option === takenLock) {
        this.#locks.set(keyOf(masterid, builderid, workerid), row.why);
        continue;
      }
      this.#rows.set(keyOf(masterid, builderid, buildrequestid, workerid), row);
      this.#requests.add(buildrequestid);
      const behind = keyOf(masterid, builderid, workerid);
      if (!this.#firsts.has(behind)) this.#firsts.set(behind, row);
    }
  }

  /** When no function refuses anything. */
  static readonly empty = new StartRefusals([], new Map());

  static async read(
    connection: Connection,
    builderids: readonly number[],
    workerids: readonly number[],
  ): Promise<StartRefusals> {
    const [rows, kept] = await Promise.all([
      readStartRefusals(connection, builderids),
      readKeptCapacities(connection, workerids),
    ]);
    return new StartRefusals(
      rows,
      new Map(kept.map(({ masterid, workerid, ...keptFor }) => [keyOf(masterid, workerid), keptFor])),
    );
  }

  /** Whether a function was asked about the request. */
  hasRequest(buildrequestid: number): boolean {
    return this.#requests.has(buildrequestid);
  }

  /** What speaks against a request on a worker at one engine; without a request, against the first ones of the builder. */
  find(at: { masterid: number; builderid: number }, workerid: number, requestId?: number): PairObstacle | undefined {
    const { masterid, builderid } = at;
    const of = (request: number, worker: number) => this.#rows.get(keyOf(masterid, builderid, request, worker));
    const own = requestId === undefined ? undefined : (of(requestId, workerid) ?? of(requestId, 0));
    const behind = requestId === undefined || !this.hasRequest(requestId);
    const others = behind ? this.#firsts.get(keyOf(masterid, builderid, workerid)) : undefined;
    const row = of(0, 0) ?? own ?? others;
    if (!row) return undefined;
    return { kind: "refused", why: row.why, option: row.option, until: row.until ?? undefined };
  }

  /** The same on instances of a latent worker, of which `first` is the first worker that the builder names. */
  findOfLatent(
    { masterid, builderid }: { masterid: number; builderid: number },
    first: number,
    requestId: number,
  ): Row | undefined {
    return this.#rows.get(keyOf(masterid, builderid, requestId, -first));
  }

  /** The name of a lock because of which an engine tries no request of the builder, on one worker or (0) on any. */
  lockOf({ masterid, builderid }: { masterid: number; builderid: number }, workerid: number): string | undefined {
    return this.#locks.get(keyOf(masterid, builderid, workerid));
  }

  keptFor(masterid: number, workerid: number): KeptFor | undefined {
    return this.#kept.get(keyOf(masterid, workerid));
  }
}
