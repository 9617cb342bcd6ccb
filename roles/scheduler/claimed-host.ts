import { type Claim, LeaseLost } from "@multimaster/cluster";
import { Backoff, type Clock, type Failure, type Logger, type Service, WakeupLoop, type Work } from "@multimaster/core";
import type { Running } from "@multimaster/plugins";

/** What the rows say of a singleton. */
export interface SingletonState {
  /** The master that has the claim, or null. */
  readonly holder: number | null;
  readonly enabled: boolean;
}

/** A kind of things of which each runs once in the cluster, on whichever master has its claim. */
export interface SingletonKind {
  /** As messages name one of them. */
  readonly noun: string;
  /** Field of log lines that holds its name. */
  readonly field: string;
  readonly names: readonly string[];
  register(names: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** The config has none of them: withdraws what earlier ones have registered. */
  registerNone?(): Promise<void>;
  readStates(ids: readonly number[]): Promise<ReadonlyMap<number, SingletonState>>;
  claim(id: number): Promise<Claim>;
  release(id: number): Promise<void>;
  /** Starts it; `lost` is called when one of its operations found the claim to be another master's. */
  start(singleton: Singleton, lost: () => void): Promise<Running>;
  /** Those of them for which an immediate poll was requested; each request is returned once. */
  takeWakes?(ids: readonly number[]): Promise<readonly number[]>;
  /** What runs in its place while it is disabled, if anything. */
  startDisabled?(singleton: Singleton, lost: () => void): Promise<Running>;
  /**
   * Listens to what may concern the claims (`look`) or those that run here (`wake`: those of these names, or all of them);
   * returns how to stop listening.
   */
  listen(look: () => void, wake: (concerns?: (name: string) => boolean) => void): Promise<() => Promise<void>>;
}

export interface Singleton {
  readonly id: number;
  readonly name: string;
  /** Aborts before it is stopped. */
  readonly signal: AbortSignal;
}

export interface ClaimedHostOptions {
  readonly kind: SingletonKind;
  readonly masterid: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Longest time until a free claim is noticed without a message. */
  readonly pollMs?: number;
}

/** Passes an operation's result on, and notifies the host when it is the loss of the claim. */
export function passResult<T>(result: T, lost: () => void): T {
  if (result === "lost") lost();
  return result;
}

/** One singleton as this master knows it. */
interface Place {
  readonly id: number;
  readonly name: string;
  readonly backoff: Backoff;
  /** Not tried before this time of the clock, after a failed start. */
  notBefore: number;
  held: boolean;
  /** Noticed by an operation, before the next poll of the rows. */
  lost: boolean;
  /** What runs, and whether as the enabled or the disabled one. */
  current: { running: Running; enabled: boolean; abort: AbortController } | undefined;
  /** The step in progress. Each singleton has its own, so that a slow one holds up no other. */
  busy: Promise<void> | undefined;
}

/**
 * Runs what this master could claim. Any number of masters host the same singletons: each claims what is free, stops
 * what it lost, and releases everything when it drains, so that another master continues immediately.
 */
export class ClaimedHost implements Service {
  readonly name: string;
  #options: ClaimedHostOptions;
  #kind: SingletonKind;
  #places: Place[] = [];
  #loop: WakeupLoop | undefined;
  #leaving = false;
  #stopped = false;
  #stopListening: (() => Promise<void>) | undefined;
  /** Coming and going, one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ClaimedHostOptions) {
    this.#options = options;
    this.#kind = options.kind;
    this.name = `${options.kind.noun}s`;
  }

  async start(): Promise<void> {
    await this.#register(new Map());
    await this.resume();
  }

  /**
   * Hosts what another config has. What it has unchanged runs on under its claim, what it has changed starts again under the
   * same claim, and what it has no more is released.
   */
  takeOver(kind: SingletonKind, isChanged: (name: string) => boolean): Promise<void> {
    return this.#inTurn(async () => {
      await this.#stopLooking();
      await Promise.all(this.#places.map(({ busy }) => busy));
      const kept = new Map<string, Place>();
      await Promise.all(
        this.#places.map(async (place) => {
          const isKept = kind.names.includes(place.name);
          if (!isKept || isChanged(place.name)) await this.#end(place);
          if (!isKept) return this.#release(place);
          kept.set(place.name, place);
          place.backoff.reset();
          place.notBefore = 0;
        }),
      );
      this.#kind = kind;
      await this.#registerAgain(kept);
      // A drain that was asked for meanwhile has the next turn.
      if (!this.#leaving) await this.#come();
    });
  }

  /** The database may be away for a moment: what was kept runs on meanwhile. */
  async #registerAgain(kept: ReadonlyMap<string, Place>): Promise<void> {
    const { clock, log } = this.#options;
    const backoff = new Backoff({ initial: 200, max: 5000 });
    for (;;) {
      try {
        return await this.#register(kept);
      } catch (error) {
        if (error instanceof LeaseLost || this.#stopped) throw error;
        log.warn({ err: error }, `the ${this.name} of the new config could not be registered; retrying`);
        await clock.sleep(backoff.next());
      }
    }
  }

  async #register(known: ReadonlyMap<string, Place>): Promise<void> {
    const kind = this.#kind;
    const ids = kind.names.length === 0 ? await kind.registerNone?.() : await kind.register(kind.names);
    if (!ids) {
      this.#places = [];
      return;
    }
    this.#places = kind.names.map(
      (name) =>
        known.get(name) ?? {
          id: ids.get(name) as number,
          name,
          backoff: new Backoff({ initial: 1000, max: 60_000 }),
          notBefore: 0,
          held: false,
          lost: false,
          current: undefined,
          busy: undefined,
        },
    );
  }

  /** Hands everything over: when it resolves, nothing runs here and nothing is claimed. */
  drain(): Promise<void> {
    this.#leaving = true;
    return this.#inTurn(() => this.#leave());
  }

  resume(): Promise<void> {
    return this.#inTurn(() => this.#come());
  }

  failure(): Failure | undefined {
    const own = this.#loop?.failure();
    if (own) return own;
    const { noun } = this.#kind;
    const failing = this.#places.flatMap(({ name, current }) => {
      const failure = current?.running.failure?.();
      return failure ? [{ ...failure, cause: `${noun} "${name}": ${failure.cause}` }] : [];
    });
    // The one that has failed longest stands for all.
    return failing.sort((a, b) => a.since - b.since)[0];
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.drain();
  }

  left(): Work {
    return { singletons: this.#places.filter(({ held }) => held).length };
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #come(): Promise<void> {
    const kind = this.#kind;
    const { clock, log, pollMs = 5000 } = this.#options;
    if (this.#stopped || this.#loop || this.#places.length === 0) return;
    const loop = new WakeupLoop({ name: this.name, clock, log, pollMs, poll: () => this.#look() });
    this.#leaving = false;
    this.#loop = loop;
    this.#stopListening = await kind.listen(
      () => loop.wake(),
      (concerns) => this.#wakeRunning(concerns),
    );
    loop.start();
  }

  async #leave(): Promise<void> {
    this.#leaving = true;
    await this.#stopLooking();
    await Promise.all(
      this.#places.map(async (place) => {
        // A start in progress is aborted; what it started is stopped like the rest.
        place.current?.abort.abort();
        await place.busy;
        await this.#end(place);
        await this.#release(place);
      }),
    );
  }

  async #stopLooking(): Promise<void> {
    await this.#loop?.stop();
    this.#loop = undefined;
    await this.#stopListening?.();
    this.#stopListening = undefined;
  }

  #wakeRunning(concerns: (name: string) => boolean = () => true): void {
    for (const { name, current } of this.#places) if (concerns(name)) current?.running.wake?.();
  }

  async #look(): Promise<void> {
    const kind = this.#kind;
    const { clock } = this.#options;
    const states = await kind.readStates(this.#places.map(({ id }) => id));
    for (const place of this.#places) {
      const state = states.get(place.id);
      if (this.#leaving || place.busy || !state || clock.now() < place.notBefore) continue;
      if (!this.#needsStep(place, state)) continue;
      place.busy = this.#step(place, state).finally(() => {
        place.busy = undefined;
      });
    }
    await this.#wakeAsked();
  }

  /** Those that are starting or stopping wait: what they were asked for would be lost. */
  async #wakeAsked(): Promise<void> {
    const at = new Map(this.#places.flatMap((place) => (place.current && !place.busy ? [[place.id, place]] : [])));
    if (this.#leaving || at.size === 0) return;
    const asked = await this.#kind.takeWakes?.([...at.keys()]);
    for (const id of asked ?? []) at.get(id)?.current?.running.wake?.();
  }

  #needsStep(place: Place, { holder, enabled }: SingletonState): boolean {
    if (place.held) return place.lost || holder !== this.#options.masterid || place.current?.enabled !== enabled;
    // One's own claim that is not known here is an answer that got lost.
    return holder === null || holder === this.#options.masterid;
  }

  async #step(place: Place, state: SingletonState): Promise<void> {
    const kind = this.#kind;
    const { clock, log, masterid } = this.#options;
    const { id, name } = place;
    try {
      if (place.held && (place.lost || state.holder !== masterid)) {
        place.held = false;
        log.warn({ [kind.field]: name }, `the ${kind.noun} "${name}" was claimed by another master`);
        await this.#end(place);
        return;
      }
      if (!place.held) {
        if ((await kind.claim(id)).kind === "lost") return;
        place.held = true;
        place.lost = false;
        log.info({ [kind.field]: name }, `claimed the ${kind.noun} "${name}"`);
      }
      await this.#end(place);
      if (this.#leaving) return;
      await this.#begin(place, state.enabled);
      place.backoff.reset();
    } catch (error) {
      // The master's lease is lost, not only this claim: the term stops the host.
      if (error instanceof LeaseLost) return this.#end(place);
      const delay = place.backoff.next();
      place.notBefore = clock.now() + delay;
      log.error(
        { [kind.field]: name, err: error },
        `the ${kind.noun} "${name}" cannot be started; the next attempt is in ${Math.ceil(delay / 1000)} s`,
      );
      // Another master may have more luck meanwhile.
      await this.#release(place);
    }
  }

  async #begin(place: Place, enabled: boolean): Promise<void> {
    const kind = this.#kind;
    const abort = new AbortController();
    const lost = () => {
      place.lost = true;
      abort.abort();
      this.#loop?.wake();
    };
    const singleton: Singleton = { id: place.id, name: place.name, signal: abort.signal };
    const nothing: Running = { stop: async () => {} };
    place.current = { running: nothing, enabled, abort };
    try {
      const running = enabled ? await kind.start(singleton, lost) : await kind.startDisabled?.(singleton, lost);
      place.current = { running: running ?? nothing, enabled, abort };
    } catch (error) {
      place.current = undefined;
      throw error;
    }
  }

  async #end(place: Place): Promise<void> {
    const kind = this.#kind;
    const { log } = this.#options;
    const { current } = place;
    place.current = undefined;
    current?.abort.abort();
    await current?.running.stop().catch((error: unknown) => {
      log.error({ [kind.field]: place.name, err: error }, `the ${kind.noun} "${place.name}" failed to stop`);
    });
  }

  async #release(place: Place): Promise<void> {
    const kind = this.#kind;
    const { log } = this.#options;
    if (!place.held) return;
    place.held = false;
    try {
      await kind.release(place.id);
    } catch (error) {
      // The claim hangs off this master's lease: it ends with that at the latest.
      log.warn({ [kind.field]: place.name, err: error }, `the ${kind.noun} "${place.name}" could not be released`);
    }
  }
}
