import { describeCause } from "@multimaster/core";
import type { Change } from "@multimaster/data";
import { z } from "zod";
import { defineScheduler, type SchedulerContext } from "../define-scheduler.ts";
import { startPolling } from "../running.ts";
import { changeFilter, matchesFilter } from "./change-filter.ts";
import { Problems } from "./problems.ts";

/** What `key` sees of a change, and of a source stamp. */
interface Line {
  readonly branch: string | null;
  readonly repository: string;
  readonly project: string;
  readonly codebase: string;
}

const options = z.strictObject({
  name: z.string().min(1).max(128).describe("Unique in the cluster."),
  builders: z.array(z.string().min(1)).min(1).describe("Names of the builders whose requests it cancels."),
  changeFilter: changeFilter.optional().describe("Changes that supersede older ones; absent: all."),
  running: z.boolean().default(true).describe("Also stops builds that run; false: cancels only requests that wait."),
  key: z
    .custom<(line: Line) => string>((value) => typeof value === "function", {
      message: "must be a function of { branch, repository, project, codebase } that returns a text",
    })
    .optional()
    .describe(
      "Changes with the same text supersede each other, of one repository, project and codebase; absent: the branch, of a change in Gerrit without the number of its patch set.",
    ),
});

type Options = z.output<typeof options>;

const pollMs = 5000;
/** Schedulers on other masters may submit an older change for this long after a newer one has been seen. */
const watchMs = 60_000;
/** Branches that are watched at the same time; the oldest are forgotten before. */
const mostWatched = 1000;
const batch = 500;
const stateName = "recent";

const recentChange = z.object({
  key: z.string(),
  changeid: z.number(),
  revision: z.string().nullable(),
  branch: z.string().nullable(),
  repository: z.string(),
  project: z.string(),
  codebase: z.string(),
  at: z.number(),
  /** What it supersedes has been cancelled; until then it is not forgotten, however old it is. */
  done: z.boolean().default(false),
});

type RecentChange = z.output<typeof recentChange>;

/**
 * Cancels what a newer change has superseded: `cancelSuperseded({ name: "cancel-old", builders: ["web"] })`. It follows the
 * changes by its own cursor, so that none is missed while no scheduler master runs; the rows of the requests decide, so that each is
 * cancelled once.
 */
export default defineScheduler({
  type: "cancel-superseded",
  className: "CancelSuperseded",
  options,
  followsChanges: true,
  builderNames: ({ builders }) => builders,
  async start(ctx, options) {
    await ctx.publish({ kind: "changes" });
    const problems = new Problems();
    return startPolling(ctx, {
      pollMs,
      async poll(signal) {
        for (let more = true; more && !signal.aborted; ) {
          const taken = await takeChanges(ctx, options, problems);
          for (const group of groupBySource(taken.recent)) await cancelOlder(ctx, options, group, problems);
          if (taken.recent.some(({ done }) => !done))
            await save(
              ctx,
              taken.recent.map((change) => ({ ...change, done: true })),
            );
          more = taken.more;
        }
        await problems.show(ctx);
        return undefined;
      },
    });
  },
});

const save = (ctx: SchedulerContext, recent: readonly RecentChange[]) =>
  ctx.submit([], { name: stateName, value: [...recent] });

/** Reads a batch of the changes that came, and returns the newest of each branch that is still watched. */
async function takeChanges(
  ctx: SchedulerContext,
  options: Options,
  problems: Problems,
): Promise<{ recent: readonly RecentChange[]; more: boolean }> {
  const saved = z.array(recentChange).safeParse(await ctx.getState(stateName));
  const before = saved.success ? saved.data : [];
  const watched = before.filter(({ at, done }) => !done || ctx.clock.now() - at < watchMs);
  const changes = await ctx.unseenChanges(batch);
  if (changes.length === 0) {
    if (watched.length < before.length) await save(ctx, watched);
    return { recent: watched, more: false };
  }
  const recent = addNewest(
    watched,
    changes.flatMap((change) => judge(ctx, options, change, problems)),
  );
  const lost = { recent: [], more: false };
  // Saved first: if this master dies in between, another one reads the changes again.
  if ((await save(ctx, recent)) === "lost") return lost;
  const verdicts = changes.map(({ changeid }) => ({ changeid, verdict: "ignored" as const }));
  if ((await ctx.classify(verdicts)) === "lost") return lost;
  return { recent, more: changes.length === batch };
}

function judge(ctx: SchedulerContext, options: Options, change: Change, problems: Problems): RecentChange[] {
  const { changeid, revision, branch, repository, project, codebase } = change;
  try {
    if (options.changeFilter && !matchesFilter(options.changeFilter, change)) return [];
    const line = { branch, repository, project, codebase };
    return [{ ...line, key: keyOf(options, line), changeid, revision, at: ctx.clock.now(), done: false }];
  } catch (error) {
    problems.add(`a function failed for change ${changeid} (${describeCause(error)}), which supersedes nothing`, error);
    return [];
  }
}

function keyOf({ key }: Options, { branch, repository, project, codebase }: Line): string {
  if (key) return String(key({ branch, repository, project, codebase }));
  return (branch ?? "").replace(/^(refs\/changes\/\d+\/\d+)\/\d+$/, "$1");
}

const sourceOf = ({ repository, project, codebase }: Line) => JSON.stringify([repository, project, codebase]);

function addNewest(known: readonly RecentChange[], added: readonly RecentChange[]): RecentChange[] {
  const newest = new Map<string, RecentChange>();
  for (const change of [...known, ...added]) {
    const line = `${sourceOf(change)} ${change.key}`;
    if ((newest.get(line)?.changeid ?? 0) < change.changeid) newest.set(line, change);
  }
  return [...newest.values()].sort((a, b) => a.changeid - b.changeid).slice(-mostWatched);
}

function groupBySource(recent: readonly RecentChange[]): Iterable<readonly RecentChange[]> {
  const groups = new Map<string, RecentChange[]>();
  for (const change of recent) {
    const group = groups.get(sourceOf(change));
    if (group) group.push(change);
    else groups.set(sourceOf(change), [change]);
  }
  return groups.values();
}

async function cancelOlder(
  ctx: SchedulerContext,
  options: Options,
  recent: readonly RecentChange[],
  problems: Problems,
): Promise<void> {
  const newest = recent.at(-1);
  if (newest === undefined) return;
  const byKey = new Map(recent.map((change) => [change.key, change]));
  const found = await ctx.openRequestsOf(newest, options.builders, newest.changeid);
  const superseded = found.flatMap(({ buildrequestid, branch, newest: built, claimed }) => {
    if (claimed === 1 && !options.running) return [];
    try {
      const { repository, project, codebase } = newest;
      const change = byKey.get(keyOf(options, { branch, repository, project, codebase }));
      if (change === undefined || built >= change.changeid) return [];
      return [{ buildrequestid, reason: describe(change) }];
    } catch (error) {
      problems.add(`"key" failed for build request ${buildrequestid} (${describeCause(error)})`, error);
      return [];
    }
  });
  const cancelled = await ctx.cancelAll(superseded, !options.running);
  for (const { buildrequestid, reason } of superseded)
    if (cancelled.includes(buildrequestid))
      ctx.log.info({ scheduler: ctx.name, buildrequestid }, `build request ${buildrequestid} is cancelled: ${reason}`);
}

function describe({ changeid, revision, branch }: RecentChange): string {
  const which = [revision?.slice(0, 12), branch === null ? undefined : `of ${branch}`].filter(Boolean).join(" ");
  return `superseded by change ${changeid}${which === "" ? "" : ` (${which})`}`;
}
