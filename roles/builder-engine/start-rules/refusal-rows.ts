import type { Data, StartRefusal } from "@multimaster/data";

/** Rows that one engine writes at most: of many requests that wait the first ones say why. */
const mostRows = 1000;
/** Workers of which a request says why they do not take it. */
const mostWorkers = 5;

type Key = Pick<StartRefusal, "builderid" | "buildrequestid" | "workerid">;

const keyOf = ({ builderid, buildrequestid, workerid }: Key) => `${builderid} ${buildrequestid} ${workerid}`;

/** Publishes what functions refuse, so that every master can say why a request waits. Writes only what has changed. */
export class RefusalRows {
  #data: Data;
  #written = new Map<string, StartRefusal>();
  /** What an earlier incarnation has written counts for nothing; it is deleted with the first write. */
  #found = new Map<string, StartRefusal>();
  #workersOf = new Map<string, number>();

  constructor(data: Data) {
    this.#data = data;
  }

  begin(): void {
    this.#found.clear();
    this.#workersOf.clear();
  }

  note(refusal: StartRefusal): void {
    const key = keyOf(refusal);
    if (this.#found.has(key)) return;
    const request = `${refusal.builderid} ${refusal.buildrequestid}`;
    const workers = this.#workersOf.get(request) ?? 0;
    if (this.#found.size >= mostRows || (workers >= mostWorkers && refusal.option !== "lock")) return;
    this.#workersOf.set(request, workers + 1);
    this.#found.set(key, refusal);
  }

  /** What was found before stays until the function that is asked has answered. */
  keep(key: Key): void {
    const old = this.#written.get(keyOf(key));
    if (old) this.note(old);
  }

  /** Of builders that were not considered in this poll, what was found before stays until it is asked again. */
  async publish(considered: ReadonlySet<number>, nowS: number): Promise<void> {
    for (const [key, old] of this.#written) {
      if (considered.has(old.builderid) || (old.until !== null && old.until < nowS)) continue;
      if (!this.#found.has(key)) this.#found.set(key, old);
    }
    const found = [...this.#found].filter(([key, row]) => !isSame(this.#written.get(key), row)).map(([, row]) => row);
    const gone = [...this.#written].filter(([key]) => !this.#found.has(key)).map(([, row]) => row);
    if (found.length === 0 && gone.length === 0) return;
    await this.#data.updates.startRules.saveRefusals(found, gone);
    this.#written = new Map(this.#found);
  }
}

function isSame(a: StartRefusal | undefined, b: StartRefusal): boolean {
  return a !== undefined && a.option === b.option && a.why === b.why && a.until === b.until;
}
