import type { Clock, Json, Timer } from "@multimaster/core";
import { silentLog } from "@multimaster/core";
import type { AskedBuilds, Change, NewChange, PublishedScheduler, UpstreamBuildset } from "@multimaster/data";
import type { ChangeSourceContext, Decision, SavedState, SchedulerContext, Submission } from "@multimaster/plugins";

/** A clock that moves only when the test moves it. */
export interface FakeClock extends Clock {
  advance(ms: number): void;
}

export function createFakeClock(): FakeClock {
  let now = 1_700_000_000_000;
  const timers = new Set<{ at: number; fn: () => void }>();
  const clock: FakeClock = {
    now: () => now,
    after(ms, fn): Timer {
      const timer = { at: now + ms, fn };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const timer = clock.after(ms, resolve);
        const end = () => {
          timer.cancel();
          resolve();
        };
        signal?.addEventListener("abort", end, { once: true });
      }),
    advance(ms) {
      now += ms;
      for (const timer of [...timers].filter(({ at }) => at <= now)) {
        timers.delete(timer);
        timer.fn();
      }
    },
  };
  return clock;
}

/** What survives when a change source changes masters. */
export interface FakeSourceRows {
  changes: NewChange[];
  state: Map<string, Json>;
  /** True: another master has the claim. */
  lost: boolean;
}

export function createSourceRows(): FakeSourceRows {
  return { changes: [], state: new Map(), lost: false };
}

export function fakeSourceContext(
  rows: FakeSourceRows,
  directory: string,
  clock: Clock,
  log = silentLog,
): ChangeSourceContext {
  return {
    name: "repo",
    clock,
    log,
    signal: new AbortController().signal,
    directory,
    configDirectory: directory,
    getState: async (name) => rows.state.get(name),
    async addChanges(changes, state) {
      if (rows.lost) return "lost";
      rows.changes.push(...changes);
      rows.state.set(state.name, state.value);
      return changes.map((_, i) => rows.changes.length - changes.length + i + 1);
    },
  };
}

/** The rows of one scheduler, as the contract describes them. */
export interface FakeSchedulerRows {
  unseen: Change[];
  classified: Map<number, { change: Change; important: boolean; at: number }>;
  submissions: Submission[];
  published: PublishedScheduler | undefined;
  slots: Map<string, Decision>;
  start: { spec: string; since: number } | undefined;
  state: Map<string, Json>;
  /** Buildsets of other schedulers that have succeeded. */
  upstream: UpstreamBuildset[];
  /** What builds have triggered and it has not decided. */
  triggers: AskedBuilds[];
  refused: string[];
  problem: string | null;
  /** Names of the builders that there are. */
  builders: Set<string>;
  lost: boolean;
}

export function createSchedulerRows(): FakeSchedulerRows {
  return {
    unseen: [],
    classified: new Map(),
    submissions: [],
    published: undefined,
    slots: new Map(),
    start: undefined,
    state: new Map(),
    upstream: [],
    triggers: [],
    refused: [],
    problem: null,
    builders: new Set(),
    lost: false,
  };
}

export function fakeSchedulerContext(
  rows: FakeSchedulerRows,
  name: string,
  clock: Clock,
  log = silentLog,
): SchedulerContext {
  return {
    name,
    clock,
    log,
    signal: new AbortController().signal,
    unseenChanges: async (limit) => rows.unseen.slice(0, limit),
    async classify(verdicts, submissions = []) {
      if (rows.lost) return "lost";
      const submitted = new Set(submissions.flatMap(({ changeids }) => changeids));
      rows.submissions.push(...submissions);
      for (const { changeid, verdict } of verdicts) {
        const at = rows.unseen.findIndex((change) => change.changeid === changeid);
        const [change] = rows.unseen.splice(at, 1);
        if (verdict !== "ignored" && !submitted.has(changeid))
          rows.classified.set(changeid, {
            change: change as Change,
            important: verdict === "important",
            at: clock.now(),
          });
      }
      return "done";
    },
    classifiedChanges: async () =>
      [...rows.classified.values()].map(({ change, important, at }) => ({
        change,
        important,
        ageSeconds: (clock.now() - at) / 1000,
      })),
    async submit(submissions, state) {
      if (rows.lost) return "lost";
      if (state) rows.state.set(state.name, state.value);
      rows.submissions.push(...submissions);
      for (const { changeids } of submissions) for (const id of changeids) rows.classified.delete(id);
      return submissions.map((_, i) => ({ bsid: i + 1, requests: {} }));
    },
    openRequestsOf: async () => [],
    requestsOfChanges: async () => [],
    openSiblingsOfFailed: async () => [],
    cancelAll: async () => [],
    getState: async (state) => rows.state.get(state),
    publish: async (published) => void (rows.published = published),
    async openSlots(spec) {
      if (rows.lost) return "lost";
      if (rows.start?.spec !== spec) rows.start = { spec, since: clock.now() / 1000 };
      const times = [...rows.slots.values()].filter(({ kind }) => kind === "time").map(({ slot }) => slot);
      return { now: clock.now() / 1000, since: rows.start.since, last: times.length > 0 ? Math.max(...times) : null };
    },
    undecidedBuildsets: async (_of, after) =>
      rows.upstream.filter(({ bsid }) => bsid > after && !rows.slots.has(`buildset ${bsid}`)).slice(0, 100),
    async decideSlot(decision) {
      if (rows.lost) return "lost";
      const key = `${decision.kind} ${decision.slot}`;
      if (rows.slots.has(key)) return "taken";
      rows.slots.set(key, decision);
      for (const { name: state, value } of decision.states ?? ([] as SavedState[])) rows.state.set(state, value);
      const { submission } = decision;
      if (!submission) return "decided";
      for (const id of submission.changeids) rows.classified.delete(id);
      if (!submission.buildset) return "decided";
      const { trigger } = decision;
      if (trigger !== undefined) rows.triggers = rows.triggers.filter(({ id }) => id > trigger);
      rows.submissions.push(submission);
      return { bsid: rows.submissions.length, requests: {} };
    },
    openTriggers: async () => [...rows.triggers],
    async decideTrigger(trigger, decision) {
      if (rows.lost) return "lost";
      rows.triggers = rows.triggers.filter(({ id }) => id !== trigger);
      if ("refused" in decision) {
        rows.refused.push(decision.refused);
        return "refused";
      }
      rows.submissions.push({ buildset: decision.buildset, changeids: [] });
      return { bsid: rows.submissions.length, requests: {} };
    },
    readChanges: async (ids) => ids.flatMap((id) => rows.classified.get(id)?.change ?? []),
    unknownBuilders: async (names) => names.filter((builder) => !rows.builders.has(builder)),
    setProblem: async (problem) => void (rows.problem = problem),
  };
}

/** A change as a scheduler reads it. */
export function makeChange(changeid: number, more: Partial<Change> = {}): Change {
  const change = {
    changeid,
    parent_changeids: [],
    author: "Ada <ada@example.org>",
    committer: null,
    files: ["src/a.c"],
    comments: `change ${changeid}`,
    revision: `r${changeid}`,
    when_timestamp: 1_700_000_000,
    branch: "main",
    category: null,
    revlink: "",
    properties: {},
    repository: "https://example.org/r.git",
    project: "",
    codebase: "",
    ...more,
  };
  const { branch, revision, repository, project, codebase } = change;
  return {
    ...change,
    sourcestamp: {
      ssid: changeid + 1000,
      branch,
      revision,
      repository,
      project,
      codebase,
      patch: null,
      created_at: 0,
    } as Change["sourcestamp"],
  };
}
