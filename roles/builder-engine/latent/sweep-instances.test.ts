import { type Logger, systemClock } from "@multimaster/core";
import type { Data, InstanceRow } from "@multimaster/data";
import type { FoundInstance } from "@multimaster/plugins";
import { expect, it } from "vitest";
import type { LatentWorker } from "./latent-worker.ts";
import { ProviderTroubles } from "./provider-troubles.ts";
import type { InstanceStarts } from "./start-instances.ts";
import { SweepInstances } from "./sweep-instances.ts";
import type { TendInstances } from "./tend-instances.ts";

const masterid = 1;

function makeRow(instanceid: number, more: Partial<InstanceRow> = {}): InstanceRow {
  return {
    instanceid,
    workerid: instanceid,
    worker: `pool-${instanceid}`,
    latent: "pool",
    kind: "fake",
    state: "starting",
    place: null,
    host: null,
    masterUrl: "ws://127.0.0.1:9",
    providerId: `i-${instanceid}`,
    secretHash: "",
    buildrequestid: null,
    wanted: 1,
    destroyed: 0,
    age: 120,
    attachedFor: null,
    holder: masterid,
    attachedTo: null,
    builds: 0,
    words: null,
    ...more,
  };
}

interface World {
  readonly rows: InstanceRow[];
  readonly places?: readonly string[];
  list(place: string | null): Promise<readonly FoundInstance[]>;
  stop?(id: string): Promise<void>;
  whyGone?(id: string): string | undefined;
  lastWords?(id: string): string;
}

/** A sweep with one latent worker, and what it decided. */
function startSweep({ rows, places = [], list, stop = async () => {}, whyGone, lastWords }: World) {
  const decided: string[] = [];
  const warned: string[] = [];
  const latent = {
    name: "pool",
    options: {},
    context: { signal: new AbortController().signal },
    places: places.length > 0 ? places : [null],
    reaches: () => true,
    definition: {
      list: (_ctx: unknown, _options: unknown, place: string | null) => list(place),
      stop: async (_ctx: unknown, _options: unknown, id: string) => {
        await stop(id);
        decided.push(`stop ${id}`);
      },
      ...(whyGone && { whyGone: async (_ctx: unknown, _options: unknown, id: string) => whyGone(id) }),
      ...(lastWords && { lastWords: async (_ctx: unknown, _options: unknown, id: string) => lastWords(id) }),
    },
  } as unknown as LatentWorker;
  const note = (what: string) => async (instanceid: number) => void decided.push(`${what} ${instanceid}`);
  const instances = {
    read: async () => ({ instances: [...rows], latents: [] }),
    forget: note("forget"),
    save: note("save"),
    noteWords: async (instanceid: number, words: string) => void decided.push(`words of ${instanceid}: ${words}`),
  };
  const log = { info: () => {}, warn: (_fields: object, text: string) => void warned.push(text) } as unknown as Logger;
  const sweeping = new SweepInstances({
    masterid,
    latents: [latent],
    starts: {
      isStarting: () => false,
      noteFailure: async (_latent: LatentWorker, instanceid: number, why: string) =>
        void decided.push(`failed ${instanceid}${why.includes(":") ? `, ${why}` : ""}`),
    } as unknown as InstanceStarts,
    tending: { isEnding: () => false } as unknown as TendInstances,
    data: { updates: { instances } } as unknown as Data,
    troubles: new ProviderTroubles({ clock: systemClock, log }),
    log,
  });
  return { sweeping, decided, warned };
}

it("does not judge an instance whose start ended while its provider was asked", async () => {
  const rows = [makeRow(1, { providerId: null }), makeRow(2)];
  const { sweeping, decided } = startSweep({
    rows,
    async list() {
      rows[0] = makeRow(1);
      return [];
    },
  });
  await sweeping.sweep();
  expect(decided).toEqual(["failed 2"]);
  await sweeping.sweep();
  expect(decided).toEqual(["failed 2", "failed 1", "failed 2"]);
});

it("keeps what an instance has written last that takes long to attach, and asks no other", async () => {
  const asked: string[] = [];
  const rows = [makeRow(1), makeRow(2, { age: 5 }), makeRow(3, { state: "running" }), makeRow(4, { words: "again" })];
  const { sweeping, decided } = startSweep({
    rows,
    list: async () => rows.map(({ instanceid }) => ({ id: `i-${instanceid}`, instanceid, isAlive: true })),
    lastWords(id) {
      asked.push(id);
      return id === "i-1"
        ? `connecting\n${JSON.stringify({ level: "warn", msg: "No connection to ws://me:secret@10.0.0.1:9." })}\n`
        : "again\n";
    },
  });
  await sweeping.sweep();
  expect(asked).toEqual(["i-1", "i-4"]);
  expect(decided).toEqual(["words of 1: No connection to ws://10.0.0.1:9"]);
});

it("leaves a provider time to show a new instance, but not one that was attached", async () => {
  const rows = [makeRow(1, { age: 20 }), makeRow(2, { age: 20, state: "running" }), makeRow(3, { age: 61 })];
  const { sweeping, decided } = startSweep({ rows, list: async () => [] });
  await sweeping.sweep();
  expect(decided).toEqual(["forget 2", "failed 3"]);
});

it("goes on when the remains of an instance cannot be removed, and retries at the next sweep", async () => {
  let isBroken = true;
  const found = [1, 2].map((instanceid) => ({ id: `i-${instanceid}`, instanceid, isAlive: false }));
  const { sweeping, decided, warned } = startSweep({
    rows: [makeRow(1), makeRow(2)],
    list: async () => found,
    async stop(id) {
      if (isBroken && id === "i-1") throw new Error("the volume is in use");
    },
  });
  await sweeping.sweep();
  expect(decided).toEqual(["stop i-2", "failed 2"]);
  expect(warned).toEqual([
    "pool-1 has ended, but what is left of it cannot be removed (i-1): the volume is in use; retrying",
  ]);
  isBroken = false;
  await sweeping.sweep();
  expect(decided).toContain("failed 1");
});

it("judges instances at the places that answer, and not those of a place that does not", async () => {
  const rows = [makeRow(1, { place: "dead" }), makeRow(2, { place: "well" }), makeRow(3, { place: "removed" })];
  let isDead = true;
  const { sweeping, decided, warned } = startSweep({
    rows,
    places: ["dead", "well"],
    async list(place) {
      if (place === "dead" && isDead) throw new Error("it does not answer");
      return [];
    },
  });
  await sweeping.sweep();
  await sweeping.sweep();
  expect(decided).toEqual(["failed 2", "failed 3", "failed 2", "failed 3"]);
  expect(warned).toEqual(["the instances of pool at dead cannot be listed: it does not answer; retrying"]);
  isDead = false;
  await sweeping.sweep();
  expect(decided).toContain("failed 1");
});

it("asks a provider that can say it how an instance has ended that is no longer listed, and waits for no list then", async () => {
  const rows = [makeRow(1, { age: 2 }), makeRow(2, { age: 2 }), makeRow(3, { age: 2, providerId: null })];
  const { sweeping, decided } = startSweep({
    rows,
    list: async () => [],
    whyGone: (id) => (id === "i-1" ? "Client.VolumeLimitExceeded: too many volumes" : undefined),
  });
  await sweeping.sweep();
  expect(decided).toEqual(["failed 1, it has ended: Client.VolumeLimitExceeded: too many volumes"]);
});
