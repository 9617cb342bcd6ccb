import { setImmediate } from "node:timers/promises";
import type { SchedulerSlice } from "@multimaster/config";
import { buildrequests, buildsets, changes, equals, schedulerProblemKey, schedulers } from "@multimaster/data";
import {
  type Running,
  type SchedulerContext,
  type SchedulerDefinition,
  type Submission,
  startPolling,
} from "@multimaster/plugins";
import type { RoleContext } from "../define-role.ts";
import { listenForClaims } from "./claim-wakes.ts";
import { passResult, type Singleton, type SingletonKind } from "./claimed-host.ts";
import { createSchedulerGauges } from "./scheduler-gauges.ts";

/** The config's schedulers, as singletons. */
export function hostSchedulers({ config, data, clock, log, metrics }: RoleContext<SchedulerSlice>): SingletonKind {
  const configured = new Map(
    config.own.schedulers.map(({ plugin, options }) => [
      (options as { name: string }).name,
      { plugin: plugin as SchedulerDefinition, options },
    ]),
  );
  const find = (name: string) => configured.get(name) as { plugin: SchedulerDefinition; options: unknown };
  const { updates } = data;
  const gauges = createSchedulerGauges(metrics);
  const followsChanges = (name: string) => {
    const { plugin, options } = find(name);
    return typeof plugin.followsChanges === "function" ? plugin.followsChanges(options) : plugin.followsChanges;
  };

  function createContext({ id, name, signal }: Singleton, className: string, lost: () => void): SchedulerContext {
    const key = (state: string) => ({ object: name, className, name: state });
    const named = (submissions: readonly Submission[]) =>
      submissions.map(({ buildset, changeids }) => ({
        ...(buildset ? { buildset: { ...buildset, scheduler: name } } : {}),
        changeids,
      }));
    return {
      name,
      clock,
      log,
      signal,
      unseenChanges: (limit) => updates.schedulers.unseenChanges(id, limit),
      classify: async (verdicts, submissions = []) =>
        passResult(await updates.schedulers.classify(id, verdicts, named(submissions)), lost),
      classifiedChanges: () => updates.schedulers.classifiedChanges(id),
      submit: async (submissions, state) => {
        return passResult(
          await updates.schedulers.submit(id, named(submissions), state && { ...key(state.name), value: state.value }),
          lost,
        );
      },
      getState: (state) => updates.schedulers.getState(key(state)),
      async publish(published) {
        await updates.schedulers.publish(id, published);
        gauges.showNextRun(name, published);
      },
      openSlots: async (spec) => passResult(await updates.schedulers.openSlots(id, spec), lost),
      undecidedBuildsets: (of, after) => updates.schedulers.undecidedBuildsets(id, of, after),
      async decideSlot({ submission, states, ...slot }) {
        const decided = await updates.schedulers.decideSlot(id, {
          ...slot,
          submission: submission && named([submission])[0],
          states: (states ?? []).map((state) => ({ ...key(state.name), value: state.value })),
        });
        if (slot.kind === "time" && decided !== "lost" && decided !== "taken")
          gauges.countSlot(name, slot.outcome, slot.passed);
        return passResult(decided, lost);
      },
      openTriggers: () => updates.schedulers.openTriggers(id),
      decideTrigger: async (trigger, decision) =>
        passResult(
          await updates.schedulers.decideTrigger(
            id,
            trigger,
            "buildset" in decision ? { buildset: { ...decision.buildset, scheduler: name } } : decision,
          ),
          lost,
        ),
      openRequestsOf: (source, builders, page) => updates.schedulers.openRequestsOf(source, builders, page),
      requestsOfChanges: (changeids, builders) => updates.schedulers.requestsOfChanges(changeids, builders),
      openSiblingsOfFailed: (of, page) => updates.schedulers.openSiblingsOfFailed(of, page),
      cancelAll: (requests, pendingOnly) => updates.schedulers.cancelAll(requests, pendingOnly),
      readChanges: (ids) => updates.schedulers.readChanges(ids),
      unknownBuilders: (names) => updates.schedulers.unknownBuilders(names),
      async setProblem(problem) {
        const state = schedulerProblemKey(name);
        // Nothing is written where nothing was and nothing is wrong.
        if (problem !== null || (await updates.schedulers.getState(state))) {
          const value = problem === null ? null : { problem, at: clock.now() };
          if (passResult(await updates.schedulers.submit(id, [], { ...state, value }), lost) === "lost") return;
        }
        gauges.showProblem(name, problem);
      },
    };
  }

  return {
    noun: "scheduler",
    field: "scheduler",
    names: [...configured.keys()],
    register: (names) => updates.schedulers.register(names, names.filter(followsChanges)),
    async readStates(ids) {
      const { rows } = await data.find(schedulers, { filters: [equals("schedulerid", ...ids)] });
      return new Map(
        rows.map(({ schedulerid, enabled, master }) => [schedulerid, { enabled, holder: master?.masterid ?? null }]),
      );
    },
    claim: (id) => updates.schedulers.claim(id),
    release: (id) => updates.schedulers.release(id),
    async start(singleton, lost) {
      const { plugin, options } = find(singleton.name);
      const running = await plugin.start(createContext(singleton, plugin.className, lost), options);
      return {
        wake: () => running.wake?.(),
        failure: () => running.failure?.(),
        async stop() {
          await running.stop();
          gauges.forget(singleton.name);
        },
      };
    },
    async startDisabled(singleton, lost) {
      const { plugin } = find(singleton.name);
      if (!followsChanges(singleton.name)) return { stop: async () => {} };
      return letChangesPass(createContext(singleton, plugin.className, lost));
    },
    listen(look, wake) {
      // An event wakes only the schedulers that it concerns: there may be many of both.
      const wakeThose = (concerns: (plugin: SchedulerDefinition, name: string) => boolean) => {
        const names = new Set([...configured].flatMap(([name, { plugin }]) => (concerns(plugin, name) ? name : [])));
        return names.size === 0 ? undefined : () => wake((name) => names.has(name));
      };
      const onChange = wakeThose((_, name) => followsChanges(name));
      const onAsked = wakeThose(({ triggerable }) => triggerable === true);
      const onRequest = wakeThose(({ followsRequests }) => followsRequests === true);
      const onBuildset = wakeThose(({ upstreams }) => upstreams !== undefined);
      return listenForClaims(data, look, [
        ...(onChange ? [data.events.on(changes, "new", onChange, { early: onChange })] : []),
        ...(onAsked ? [data.events.on(schedulers, "asked", onAsked)] : []),
        ...(onRequest ? [data.events.on(buildrequests, "complete", onRequest)] : []),
        ...(onBuildset ? [data.events.on(buildsets, "complete", onBuildset, { early: onBuildset })] : []),
      ]);
    },
  };
}

/**
 * Who disables a scheduler wants its changes not to be built, neither now nor all at once when it is enabled again.
 * Those that are already classified stay.
 */
function letChangesPass(ctx: SchedulerContext): Running {
  return startPolling(ctx, {
    pollMs: 5000,
    async poll(signal) {
      while (!signal.aborted) {
        const passing = await ctx.unseenChanges(500);
        if (passing.length === 0) return undefined;
        if ((await ctx.classify(passing.map(({ changeid }) => ({ changeid, verdict: "ignored" as const })))) === "lost")
          return undefined;
        // SQLite answers at once: other work gets its turn here.
        await setImmediate();
      }
      return undefined;
    },
  });
}
