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
    const [running, known] = await Promise.all([
      queryRows<RunningTry>(
        connection,
        `select b.masterid, b.id as buildid, b.number, b.builderid, u.name as builder, m.name as master,
                l.engine_deaths as "engineDeaths", l.worker_losses as "workerLosses", ${limits}
           from builds b join mm_request_losses l on l.buildrequestid = b.buildrequestid
           join buildrequests r on r.id = b.buildrequestid join builders u on u.id = b.builderid
           join masters m on m.id = b.masterid ${joinLimits("b")}
          where b.complete_at is null and coalesce(r.waited_for, 0) = 0 order by b.id desc`,
      ),
      queryRows<Limits & { masterid: number; builderid: number }>(
        connection,
        `select m.masterid, m.builderid, ${limits} from builder_masters m ${joinLimits("m")} where ${wanted.sql}`,
        wanted.bindings,
      ),
    ]);
    return new LastTries(
      running,
      known.map(({ masterid, builderid, ...rest }) => ({ place: placeOf(masterid, builderid), ...rest })),
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

/** The limits that `joinLimits` joins; the default ones where an engine of an earlier release has written none. */
const limits = `
  case when de.masterid is null then ${defaultLossLimits.death} else de.max_engine_deaths end as "maxEngineDeaths",
  case when lo.masterid is null then ${defaultLossLimits.leave} else lo.max_worker_losses end as "maxWorkerLosses"`;

function joinLimits(of: string): string {
  return `left join mm_builder_limits de on de.builderid = ${of}.builderid and de.masterid = ${of}.masterid
          left join mm_builder_loss_limits lo on lo.builderid = ${of}.builderid and lo.masterid = ${of}.masterid`;
}
