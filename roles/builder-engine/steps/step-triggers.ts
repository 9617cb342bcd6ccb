import { createHash } from "node:crypto";
import { type Clock, type Json, type Result, Results } from "@multimaster/core";
import {
  builders,
  buildrequests,
  builds,
  type Data,
  equals,
  type TriggeredBuildset,
  type TriggerInQuestion,
} from "@multimaster/data";
import { type StepContext, type TriggeredBuild, type TriggeredBuilds, TriggerRefused } from "@multimaster/plugins";
import type { AwaitedBuildsets } from "../builds/awaited-buildsets.ts";
import type { Persistence } from "../builds/persistence.ts";
import type { Secrets } from "../logs/secrets.ts";

export interface StepTriggersOptions {
  data: Data;
  persistence: Persistence;
  awaited: AwaitedBuildsets;
  buildid: number;
  /** The step's name, unique in its build and the same in each attempt. */
  step: string;
  /** Where people see the cluster, with a slash at its end; "" when no one has said. */
  siteUrl: string;
  /** Properties of the builds are there for all to read; a secret among them is only its name. */
  secrets: Secrets;
  /** Whether it is a fork's code, for every build; the step cannot say otherwise. */
  forkProperty: Readonly<Record<string, boolean>>;
  signal: AbortSignal;
  clock: Clock;
  /** The step's code waits for other builds; control returns to it. */
  onWait(): void;
  onReturn(): Promise<void>;
}

/** A trigger that its scheduler builds at its next time. */
interface Kept {
  readonly scheduler: string;
}

/** No one waits for it: it may be superseded by a later one. */
function describeKept({ scheduler }: Kept): TriggeredBuilds {
  return { scheduler, requests: [], finished: async () => ({ results: Results.SUCCESS, builds: [] }) };
}

/** What one step of a build makes schedulers build: written once however often it is tried, waited for, cancelled with it. */
export class StepTriggers {
  #options: StepTriggersOptions;
  #used = new Map<string, number>();
  /** Buildsets that the step waits for, until they are complete. */
  #awaited = new Set<number>();
  #attempt = 1;

  constructor(options: StepTriggersOptions) {
    this.#options = options;
  }

  trigger: StepContext["trigger"] = async (requests, options) => {
    const { signal, onWait, onReturn } = this.#options;
    signal.throwIfAborted();
    onWait();
    try {
      return await this.#trigger(requests, options);
    } finally {
      await onReturn();
    }
  };

  /** The step is tried again: what it triggers is built again, and not what an earlier attempt has triggered. */
  beginAttempt(attempt: number): void {
    this.#attempt = attempt;
  }

  async #trigger(
    requests: Parameters<StepContext["trigger"]>[0],
    { wait, relationship }: Parameters<StepContext["trigger"]>[1],
  ): Promise<TriggeredBuilds[]> {
    const { data, persistence, buildid, secrets, forkProperty } = this.#options;
    const triggers = requests.map(({ key, ...request }) => ({
      ...request,
      properties: secrets.hideIn({ ...request.properties, ...forkProperty }) as Record<string, Json>,
      slot: key === undefined ? this.#takeSlot(request.scheduler) : this.#nameSlot(request.scheduler, key),
    }));
    const answer = await persistence.write(`trigger builds for build ${buildid}`, () =>
      data.updates.triggers.trigger({ buildid, waitedFor: wait, relationship, triggers }),
    );
    if (answer === "lost") throw new Error(`build ${buildid} does not run on this master`);
    if ("refused" in answer) throw new TriggerRefused(answer.refused);
    const sets: (TriggeredBuildset | Kept)[] = [];
    // What an engine has added is awaited, whatever becomes of the triggers that their schedulers decide.
    if (wait) for (const one of answer) if ("bsid" in one) this.#awaited.add(one.bsid);
    for (const one of answer) {
      const set = "bsid" in one ? one : one.isKept ? { scheduler: one.scheduler } : await this.#ask(one);
      if (wait && "bsid" in set && !("bsid" in one)) this.#awaited.add(set.bsid);
      sets.push(set);
    }
    return sets.map((set) => ("bsid" in set ? this.#describe(set) : describeKept(set)));
  }

  /** Waits until a scheduler master has chosen what to build. */
  async #ask(asked: TriggerInQuestion): Promise<TriggeredBuildset> {
    const { data, persistence, clock, signal } = this.#options;
    for (let pause = 50; ; pause = Math.min(1000, pause * 1.5)) {
      const answer = await persistence.write(`read what ${asked.scheduler} has chosen`, () =>
        data.updates.triggers.answer(asked),
      );
      if (answer && "refused" in answer) throw new TriggerRefused(answer.refused);
      if (answer) return answer;
      await clock.sleep(pause, signal);
      signal.throwIfAborted();
    }
  }

  /** The step has ended before what it waited for, which no one needs then. */
  async cancel(why: string): Promise<void> {
    const { data, persistence, buildid } = this.#options;
    if (this.#awaited.size === 0) return;
    await persistence.write(`cancel what build ${buildid} waits for`, () =>
      data.updates.triggers.cancelAwaited([...this.#awaited], `build ${buildid}, which waited for it, ${why}`),
    );
  }

  /** Keys may be of any length, but not slots. Those of a first attempt are as they were before steps were tried again. */
  #nameSlot(scheduler: string, key: string): string {
    const attempt = this.#attempt === 1 ? [] : [this.#attempt];
    const hash = createHash("sha256")
      .update(JSON.stringify([scheduler, key, ...attempt]))
      .digest("hex")
      .slice(0, 40);
    return `${this.#options.step}/=${hash}`;
  }

  /** A step may trigger the same scheduler more than once. */
  #takeSlot(scheduler: string): string {
    const n = (this.#used.get(scheduler) ?? 0) + 1;
    this.#used.set(scheduler, n);
    return `${this.#options.step}/${scheduler}/${n}`;
  }

  #describe({ bsid, scheduler, requests }: TriggeredBuildset): TriggeredBuilds {
    const { siteUrl, awaited, signal, onWait, onReturn } = this.#options;
    return {
      scheduler,
      requests: requests.map(({ buildrequestid }) => ({
        buildrequestid,
        url: `${siteUrl}#/buildrequests/${buildrequestid}`,
      })),
      finished: async () => {
        onWait();
        try {
          const results = await awaited.wait(bsid, signal);
          this.#awaited.delete(bsid);
          return { results, builds: await this.#readBuilds(bsid) };
        } finally {
          await onReturn();
        }
      },
    };
  }

  /** The builds of a complete buildset, oldest first; those that were run again are among them. */
  async #readBuilds(bsid: number): Promise<TriggeredBuild[]> {
    const { data, persistence, siteUrl } = this.#options;
    return persistence.write(`read the builds of buildset ${bsid}`, async () => {
      const requests = (await data.find(buildrequests, { filters: [equals("buildsetid", bsid)] })).rows;
      const named = await data.find(builders, {
        filters: [equals("builderid", ...requests.map(({ builderid }) => builderid))],
      });
      const names = new Map(named.rows.map(({ builderid, name }) => [builderid, name]));
      const found = await data.find(builds, {
        filters: [equals("buildrequestid", ...requests.map(({ buildrequestid }) => buildrequestid))],
        order: ["buildid"],
      });
      return found.rows.map(({ buildid, builderid, number, results }) => ({
        buildid,
        builder: names.get(builderid) ?? String(builderid),
        number,
        results: (results ?? Results.EXCEPTION) as Result,
        url: `${siteUrl}#/builders/${builderid}/builds/${number}`,
      }));
    });
  }
}
