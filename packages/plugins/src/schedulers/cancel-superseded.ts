import type { Change, OpenSource } from "@multimaster/data";
import { z } from "zod";
import { defineScheduler, type SchedulerContext } from "../define-scheduler.ts";
import { OptionFailed, OptionRests } from "../option-functions.ts";
import { startPolling } from "../running.ts";
import { changeFilter, matchesFilter } from "./change-filter.ts";
import { Problems } from "./problems.ts";
import { warningsOfChangeFunctions } from "./scheduler-options.ts";

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
/** The same after a change, until its builds are requested. */
const soonMs = 1000;
/** Schedulers on other masters may submit an older change for this long after a newer one has been seen. */
const watchMs = 60_000;
/** Changes that are watched at the same time, of one line and of all; the oldest are forgotten before. */
const mostWatched = { ofLine: 10, all: 1000 };
const batch = 500;
/** Requests that are read at the same time. */
const limit = 500;
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
 * Cancels what a newer change has superseded: `cancelSuperseded({ name: "cancel-old", builders: ["web"] })`. A change supersedes
 * a request only when the same scheduler has requested a build of it by the same builder: where filters keep it out, the older
 * request is the newest. It follows the changes by its own cursor, so that none is missed while no scheduler master runs; the rows
 * of the requests decide, so that each is cancelled once.
 */
export default defineScheduler({
  type: "cancel-superseded",
  className: "CancelSuperseded",
  options,
  followsChanges: true,
  builderNames: ({ builders }) => builders,
  warnings: (options) => warningsOfChangeFunctions(options, "nothing is ever cancelled"),
  async start(ctx, options) {
    await ctx.publish({ kind: "changes" });
    const problems = new Problems(ctx);
    return startPolling(ctx, {
      pollMs,
      async poll(signal) {
        let isSoon = false;
        for (let more = true; more && !signal.aborted; ) {
          const taken = await takeChanges(ctx, options, problems);
          const left = new Set<RecentChange>();
          for (const group of groupBySource(taken.recent))
            if (!(await cancelOlder(ctx, options, group, problems))) for (const change of group) left.add(change);
          if (taken.recent.some((change) => !change.done && !left.has(change)))
            await save(
              ctx,
              taken.recent.map((change) => ({ ...change, done: change.done || !left.has(change) })),
            );
          isSoon = [...left].some(({ at }) => ctx.clock.now() - at < watchMs);
          more = taken.more;
        }
        await problems.show(ctx);
        return isSoon ? soonMs : undefined;
      },
    });
  },
});

const save = (ctx: SchedulerContext, recent: readonly RecentChange[]) =>
  ctx.submit([], { name: stateName, value: [...recent] });

/** Reads a batch of the changes that came, and returns the newest of each branch that are still watched. */
async function takeChanges(
  ctx: SchedulerContext,
  options: Options,
  problems: Problems,
): Promise<{ recent: readonly RecentChange[]; more: boolean }> {
  const saved = z.array(recentChange).safeParse(await ctx.getState(stateName));
  const before = saved.success ? saved.data : [];
  const watched = before.filter(({ at, done }) => !done || ctx.clock.now() - at < watchMs);
  const unseen = await ctx.unseenChanges(batch);
  const { changes, superseding } = judgeAll(ctx, options, unseen, problems);
  if (changes.length === 0) {
    if (watched.length < before.length) await save(ctx, watched);
    return { recent: watched, more: false };
  }
  const recent = addNewest(watched, superseding);
  const lost = { recent: [], more: false };
  // Saved first: if this master dies in between, another one reads the changes again.
  if ((await save(ctx, recent)) === "lost") return lost;
  const verdicts = changes.map(({ changeid }) => ({ changeid, verdict: "ignored" as const }));
  if ((await ctx.classify(verdicts)) === "lost") return lost;
  return { recent, more: changes.length === batch };
}

/** Up to the first change about which no function may be asked now: that one and those behind it are read again. */
function judgeAll(ctx: SchedulerContext, options: Options, unseen: readonly Change[], problems: Problems) {
  const changes: Change[] = [];
  const superseding: RecentChange[] = [];
  for (const change of unseen) {
    const judged = judge(ctx, options, change, problems);
    if (judged === "later") break;
    changes.push(change);
    if (judged !== undefined) superseding.push(judged);
  }
  return { changes, superseding };
}

/** Undefined: it supersedes nothing, also since a function failed. */
function judge(
  ctx: SchedulerContext,
  options: Options,
  change: Change,
  { functions }: Problems,
): RecentChange | "later" | undefined {
  const { changeid, revision, branch, repository, project, codebase } = change;
  const { changeFilter } = options;
  try {
    const asked = { option: "changeFilter", about: `change ${changeid}` };
    if (changeFilter && !functions.call(asked, () => matchesFilter(changeFilter, change))) return undefined;
    const line = { branch, repository, project, codebase };
    const key = keyOf(options, line, `change ${changeid}`, functions);
    return { ...line, key, changeid, revision, at: ctx.clock.now(), done: false };
  } catch (error) {
    if (error instanceof OptionRests) return "later";
    if (error instanceof OptionFailed) return undefined;
    throw error;
  }
}

/** Throws an OptionFailed. */
function keyOf({ key }: Options, line: Line, about: string, functions: Problems["functions"]): string {
  const { branch, repository, project, codebase } = line;
  const given = { branch, repository, project, codebase };
  if (key) return functions.call({ option: "key", about, subject: JSON.stringify(given) }, () => String(key(given)));
  return (branch ?? "").replace(/^(refs\/changes\/\d+\/\d+)\/\d+$/, "$1");
}

const sourceOf = ({ repository, project, codebase }: Line) => JSON.stringify([repository, project, codebase]);

function addNewest(known: readonly RecentChange[], added: readonly RecentChange[]): RecentChange[] {
  const lines = new Map<string, Map<number, RecentChange>>();
  for (const change of [...known, ...added]) {
    const line = `${sourceOf(change)} ${change.key}`;
    const ofLine = lines.get(line) ?? new Map<number, RecentChange>();
    if (!ofLine.has(change.changeid)) lines.set(line, ofLine.set(change.changeid, change));
  }
  const inOrder = (changes: Iterable<RecentChange>) => [...changes].sort((a, b) => a.changeid - b.changeid);
  const kept = [...lines.values()].flatMap((changes) => inOrder(changes.values()).slice(-mostWatched.ofLine));
  return inOrder(kept).slice(-mostWatched.all);
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

/** Whether nothing is left: no function to be asked, and no request that is to be cancelled once a newer one exists. */
async function cancelOlder(
  ctx: SchedulerContext,
  options: Options,
  recent: readonly RecentChange[],
  problems: Problems,
): Promise<boolean> {
  const newest = recent.at(-1);
  if (newest === undefined) return true;
  const newer = new NewerRequests(recent);
  let isComplete = true;
  for (let after: number | undefined = 0; after !== undefined && !ctx.signal.aborted; ) {
    const page = { below: newest.changeid, after, limit };
    const found: readonly OpenSource[] = await ctx.openRequestsOf(newest, options.builders, page);
    if (found.length > 0) await newer.read(ctx, options.builders);
    const superseded: { buildrequestid: number; reason: string }[] = [];
    for (const request of found) {
      if (request.claimed === 1 && !options.running) continue;
      const change = findNewer(options, { ...newest, branch: request.branch }, request, { newer, problems });
      if (change === "later" || change === "not requested") isComplete = false;
      else if (change) superseded.push({ buildrequestid: request.buildrequestid, reason: describe(change) });
    }
    const cancelled = new Set(await ctx.cancelAll(superseded, !options.running));
    for (const { buildrequestid, reason } of superseded)
      if (cancelled.has(buildrequestid))
        ctx.log.info(
          { scheduler: ctx.name, buildrequestid },
          `build request ${buildrequestid} is cancelled: ${reason}`,
        );
    after = found.length < limit ? undefined : found.at(-1)?.buildrequestid;
  }
  return isComplete;
}

/** Changes by their key, and where each has been requested. */
class NewerRequests {
  #byKey = new Map<string, RecentChange[]>();
  #recent: readonly RecentChange[];
  #requested: ReadonlySet<string> | undefined;

  /** In the order of the changes. */
  constructor(recent: readonly RecentChange[]) {
    this.#recent = recent;
    for (const change of recent) this.#byKey.set(change.key, [...(this.#byKey.get(change.key) ?? []), change]);
  }

  async read(ctx: SchedulerContext, builders: readonly string[]): Promise<void> {
    if (this.#requested) return;
    const ids = this.#recent.map(({ changeid }) => changeid);
    const found = await ctx.requestsOfChanges(ids, builders);
    this.#requested = new Set(found.map((one) => placeOf(one, one.changeid)));
  }

  /** The newest change with this key that replaces what the request builds; undefined: there is no newer one. */
  find(key: string, request: OpenSource): RecentChange | "not requested" | undefined {
    const changes = (this.#byKey.get(key) ?? []).filter(({ changeid }) => changeid > request.newest);
    const replacing = changes.findLast(({ changeid }) => this.#requested?.has(placeOf(request, changeid)));
    return replacing ?? (changes.length > 0 ? "not requested" : undefined);
  }
}

const placeOf = ({ builder, scheduler }: Pick<OpenSource, "builder" | "scheduler">, changeid: number) =>
  JSON.stringify([builder, scheduler, changeid]);

/** The change that supersedes a request; "later": that cannot be asked now; "not requested": nothing builds the newer one yet. */
function findNewer(
  options: Options,
  line: Line,
  request: OpenSource,
  { newer, problems }: { newer: NewerRequests; problems: Problems },
): RecentChange | "later" | "not requested" | undefined {
  try {
    const about = `build request ${request.buildrequestid}`;
    return newer.find(keyOf(options, line, about, problems.functions), request);
  } catch (error) {
    if (error instanceof OptionRests) return "later";
    if (error instanceof OptionFailed) return undefined;
    throw error;
  }
}

function describe({ changeid, revision, branch }: RecentChange): string {
  const which = [revision?.slice(0, 12), branch === null ? undefined : `of ${branch}`].filter(Boolean).join(" ");
  return `superseded by change ${changeid}${which === "" ? "" : ` (${which})`}`;
}
