import { type Connection, queryRows } from "@multimaster/database";
import { defaultLossLimits } from "@multimaster/lifecycle";
import { isOnLastTry, judgeRequest, type LossesView } from "@multimaster/placement";
import { because, type Reason } from "./reasons.ts";

/** A request, as far as it matters how often it was lost. */
export interface LossyRequest {
  readonly builderid: number;
  readonly engineDeaths: number;
  readonly workerLosses: number;
  /** A running build waits for it: then it is never kept waiting for its losses. */
  readonly waitedFor: boolean;
}

interface RunningTry extends LossesView {
  masterid: number;
  buildid: number;
  number: number;
  builderid: number;
  builder: string;
  master: string;
}

type Limits = Pick<LossesView, "maxEngineDeaths" | "maxWorkerLosses">;

/** Which engines run a request on its last try, and what is the last try of others there. */
export class LastTries {
  #running: ReadonlyMap<number, RunningTry>;
  #limits: ReadonlyMap<string, Limits>;

  private constructor(running: readonly RunningTry[], limits: readonly (Limits & { place: string })[]) {
    this.#running = new Map(running.filter(isOnLastTry).map((one) => [one.masterid, one]));
    this.#limits = new Map(limits.map(({ place, ...rest }) => [place, rest]));
  }

  static async read(connection: Connection, builderids: readonly number[]): Promise<LastTries> {
    const wanted = connection.dialect.isOneOf("m.builderid", builderids);
    const [running, limits] = await Promise.all([
      queryRows<RunningTry>(
        connection,
        `select b.masterid, b.id as buildid, b.number, b.builderid, u.name as builder, m.name as master,
                l.engine_deaths as "engineDeaths", l.worker_losses as "workerLosses", ${limitsOf("b")}
           from builds b join mm_request_losses l on l.buildrequestid = b.buildrequestid
           join buildrequests r on r.id = b.buildrequestid join builders u on u.id = b.builderid
           join masters m on m.id = b.masterid ${joinLimits("b")}
          where b.complete_at is null and coalesce(r.waited_for, 0) = 0 order by b.id desc`,
      ),
      queryRows<Limits & { masterid: number; builderid: number }>(
        connection,
        `select m.masterid, m.builderid, ${limitsOf("m")} from builder_masters m ${joinLimits("m")} where ${wanted.sql}`,
        wanted.bindings,
      ),
    ]);
    return new LastTries(
      running,
      limits.map(({ masterid, builderid, ...rest }) => ({ place: placeOf(masterid, builderid), ...rest })),
    );
  }

  /** Why this engine does not start the request; undefined when its losses keep it from nothing there. */
  explain(request: LossyRequest, masterid: number): Reason | undefined {
    const running = this.#running.get(masterid);
    const limits = this.#limits.get(placeOf(masterid, request.builderid));
    if (running === undefined || limits === undefined) return undefined;
    const isLast = !request.waitedFor && isOnLastTry({ ...request, ...limits });
    if (!judgeRequest({ isOnLastTry: isLast }, { runsLastTry: true })) return undefined;
    const { master, builder, number, buildid } = running;
    const sentence = `One more loss of its build ends it, as it would ${builder} #${number} on ${master}: they do not run together.`;
    return because("last_try", sentence, { masterid, master, builds: [{ buildid, number, builder }] });
  }
}

const placeOf = (masterid: number, builderid: number) => `${masterid}/${builderid}`;

/** Of an engine of an earlier release, which wrote no limits, the default ones. */
function limitsOf(alias: string): string {
  return `case when de_${alias}.masterid is null then ${defaultLossLimits.death} else de_${alias}.max_engine_deaths end as "maxEngineDeaths",
          case when lo_${alias}.masterid is null then ${defaultLossLimits.leave} else lo_${alias}.max_worker_losses end as "maxWorkerLosses"`;
}

function joinLimits(alias: string): string {
  return ["mm_builder_limits de", "mm_builder_loss_limits lo"]
    .map((table) => {
      const joined = `${table.split(" ")[1]}_${alias}`;
      return `left join ${table.split(" ")[0]} ${joined} on ${joined}.builderid = ${alias}.builderid and ${joined}.masterid = ${alias}.masterid`;
    })
    .join(" ");
}
