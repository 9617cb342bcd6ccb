import { descriptorOf, type PluginDescriptor } from "@multimaster/config";
import { isOfFork, isRequestRef, UserError } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import type { HookAnswer, HookDefinition } from "@multimaster/plugins";
import { describe, expect, it } from "vitest";
import { type Forge, forges } from "../../harness/deliver-hook.ts";
import { sha } from "../../harness/hook-payloads.ts";
import { type ForgeEvent, type Happening, happenings, matrix } from "./matrix-events.ts";

const names = Object.keys(forges) as Forge[];
const eventHeader: Record<Forge, string> = {
  github: "x-github-event",
  gitlab: "x-gitlab-event",
  gitea: "x-gitea-event",
  bitbucketcloud: "x-event-key",
  bitbucketserver: "x-event-key",
  gerrit: "x-none",
};

type Options = Record<string, unknown>;

/** What a forge's hook makes of an event; a refusal is a sentence. */
function parse(forge: Forge, { event, payload }: ForgeEvent, options: Options = {}): HookAnswer | { refused: string } {
  const hook = makeHook(forge, options);
  const request = {
    headers: { [eventHeader[forge]]: event, "content-type": "application/json" },
    query: new URLSearchParams(),
    body: Buffer.from(JSON.stringify(payload)),
  };
  try {
    return (hook.plugin as HookDefinition).parse(request, hook.options);
  } catch (error) {
    if (error instanceof UserError) return { refused: error.message };
    throw error;
  }
}

const made = new Map<string, PluginDescriptor<"hook">>();

function makeHook(forge: Forge, options: Options): PluginDescriptor<"hook"> {
  const key = JSON.stringify([forge, options]);
  const make = forges[forge] as (options: Options) => PluginDescriptor<"hook">;
  const hook = made.get(key) ?? descriptorOf("hook").parse(make({ secret: "s", ...options }));
  made.set(key, hook);
  return hook;
}

function changesOf(answer: ReturnType<typeof parse>): readonly NewChange[] {
  return "changes" in answer ? answer.changes : [];
}

/** Branch, revision and whose code it is, of each change; or why there is none. */
function describeAnswer(answer: ReturnType<typeof parse>): unknown {
  if (!("changes" in answer)) return "ignored" in answer ? answer.ignored : answer;
  return answer.changes.map(({ branch, revision, properties }) => [
    branch,
    revision,
    isOfFork({ branch, ...properties }) ? "fork" : "own",
  ]);
}

const forkRefused =
  "it is a fork's code, or not known to be the repository's own; the hook's option forks: true accepts it";
const cases = names.flatMap((forge) => happenings.map((happening) => [forge, happening] as [Forge, Happening]));
/** Every event on, so that only what is closed by default is in the way. */
const everything: Partial<Record<Forge, Options>> = {
  github: { pullRequestActions: ["opened", "reopened", "synchronize", "closed"] },
  bitbucketcloud: { pullRequestEvents: ["created", "updated", "fulfilled", "rejected"] },
  bitbucketserver: { pullRequestEvents: ["created", "updated", "fulfilled", "rejected"] },
  gerrit: { events: ["patchset-created", "ref-updated", "change-merged"] },
};
const requestRef: Record<Forge, string> = {
  github: "refs/pull/42/merge",
  gitlab: "refs/merge-requests/42/head",
  gitea: "refs/pull/42/head",
  bitbucketcloud: "refs/pull-requests/42/from",
  bitbucketserver: "refs/pull-requests/42/merge",
  gerrit: "refs/changes/42/42/3",
};

describe.each(names)("by default, of %s,", (forge) => {
  const short = forge === "bitbucketcloud" ? sha(9).slice(0, 12) : sha(9);
  const own = forge === "gerrit" ? forkRefused : [[requestRef[forge], sha(9), "own"]];
  const head = { github: 1, gitlab: 2, gitea: 2, bitbucketcloud: 1, bitbucketserver: 1, gerrit: 1 }[forge];
  const created = forge === "github" ? 3 : 2;
  const tagged = forge === "github" ? 1 : 2;
  const isAsked = forge.startsWith("bitbucket");

  it.each([
    ["push", [["main", sha(head), "own"]]],
    ["new branch", [["new", sha(created), "own"]]],
    ["force push", [["main", sha(4), "own"]]],
    ["branch deletion", "main was deleted"],
    ["tag", [["v1", sha(tagged), "own"]]],
    ["own pull request", own],
    ["new commits of an own pull request", own],
    ["pull request of a fork", forkRefused],
    ["pull request of a fork's branch main", forkRefused],
    ["pull request of a deleted fork", forkRefused],
    ["pull request of a deleted branch", expect.stringMatching(/without a commit|closed|change-deleted/)],
    ["closed pull request", expect.stringMatching(/closed|rejected|abandoned/)],
    ["merged pull request", expect.stringMatching(/closed|merged|fulfilled/)],
    ["approved pull request", expect.stringMatching(/approved|review|without new commits|vote-deleted/)],
  ] as [Happening, unknown][])("a %s", (happening, expected) => {
    expect(describeAnswer(parse(forge, matrix[forge][happening]))).toEqual(expected);
  });

  it("what forks bring is theirs, if it is asked for, and has the name of a request", () => {
    const list = happenings.filter((happening) => /fork/.test(happening));
    for (const happening of list)
      expect(describeAnswer(parse(forge, matrix[forge][happening], { forks: true })), happening).toEqual([
        [requestRef[forge], short, "fork"],
      ]);
  });

  it("what was merged is the branch that it went to, and nothing of its own", () => {
    const answer = describeAnswer(parse(forge, matrix[forge]["merged pull request"], everything[forge]));
    if (isAsked) expect(answer).toEqual([["main", null, "own"]]);
    else if (forge === "gerrit") expect(answer).toEqual([["main", sha(7), "own"]]);
  });
});

describe("no pull request has the name of a branch that a push could have:", () => {
  /** A push to this ref, as each forge reports it. */
  const pushTo = (forge: Forge, ref: string): ForgeEvent => {
    const { event, payload } = matrix[forge].push;
    const [, area = "", name = ""] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
    const type = area === "tags" ? "tag" : "branch";
    const edits: Record<Forge, object> = {
      github: { ref },
      gitlab: { ref },
      gitea: { ref },
      bitbucketcloud: { push: { changes: [{ new: { type, name, target: { hash: sha(1) } } }] } },
      bitbucketserver: { changes: [{ ref: { id: ref }, toHash: sha(1), type: "UPDATE" }] },
      gerrit: { refUpdate: { refName: ref, newRev: sha(1), project: "acme/web" } },
    };
    return { event, payload: { ...payload, ...edits[forge] } };
  };
  const asked = names.flatMap((forge): [Forge, Options][] => {
    const refs: (string | undefined)[] =
      { github: ["merge", "head"], gitlab: ["merge", "head"], bitbucketserver: ["merge", "from"] }[forge as "github"] ??
      [];
    return [undefined, ...refs].map((pullRequestRef) => [
      forge,
      { forks: true, ...everything[forge], ...(pullRequestRef === undefined ? {} : { pullRequestRef }) },
    ]);
  });

  it.each(asked)("%s with %j", (forge, options) => {
    const seen = new Set<string>();
    for (const happening of happenings.filter((name) => name.includes("pull request") && !name.startsWith("merged")))
      for (const { branch } of changesOf(parse(forge, matrix[forge][happening], options))) seen.add(branch ?? "");
    expect(seen.size).toBeGreaterThan(0);
    for (const branch of seen) {
      expect(isRequestRef(branch), branch).toBe(true);
      for (const ref of [branch, `refs/heads/${branch}`, `refs/tags/${branch}`, `refs/heads/refs/heads/${branch}`])
        for (const fullRefs of forge.startsWith("bitbucket") ? [false, true] : [undefined]) {
          const more = fullRefs === undefined ? {} : { fullRefs };
          const pushed = changesOf(parse(forge, pushTo(forge, ref), { ...options, ...more }));
          expect(pushed.map((change) => change.branch)).not.toContain(branch);
        }
    }
  });
});

/** Every place in a payload, as a path. */
function placesOf(value: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => {
    const here = [...path, Array.isArray(value) ? Number(name) : name];
    return [here, ...placesOf(part, here)];
  });
}

function without(event: ForgeEvent, paths: readonly (readonly (string | number)[])[], instead: unknown): ForgeEvent {
  // Through JSON, so that no two places share an object.
  const payload = JSON.parse(JSON.stringify(event.payload)) as ForgeEvent["payload"];
  for (const path of paths) {
    let at = payload as Record<string | number, unknown> | null;
    for (const name of path.slice(0, -1)) at = (at?.[name] ?? null) as typeof at;
    const last = path.at(-1) as string | number;
    if (typeof at !== "object" || at === null) continue;
    if (instead === undefined) delete at[last];
    else at[last] = instead;
  }
  return { ...event, payload };
}

describe("what a payload does not say", () => {
  it.each(names)(
    "of %s never makes a fork's pull request the repository's own, whichever two parts are missing",
    (forge) => {
      for (const happening of ["pull request of a fork's branch main", "pull request of a deleted fork"] as const) {
        const event = matrix[forge][happening];
        const places = placesOf(event.payload).filter(([first]) => first !== "labels");
        for (const [i, one] of places.entries())
          for (const other of places.slice(i))
            for (const instead of one === other ? [null, undefined] : [null]) {
              const changes = changesOf(parse(forge, without(event, [one, other], instead), { forks: true }));
              const isTaken = changes.some(({ branch, properties }) => !isOfFork({ branch, ...properties }));
              if (isTaken) expect.fail(`${happening} without ${one.join(".")}, ${other.join(".")}`);
            }
      }
    },
  );

  it.each(cases)("of %s (%s) is no reason to refuse it, unless nothing can be built without it", (forge, happening) => {
    const event = matrix[forge][happening];
    const isNews = changesOf(parse(forge, event, { forks: true })).length > 0;
    const refused = placesOf(event.payload)
      .filter((place) =>
        [null, undefined].some(
          (instead) => "refused" in parse(forge, without(event, [place], instead), { forks: true }),
        ),
      )
      .map((place) => place.filter((name) => typeof name === "string").join("."));
    const kind = happening.includes("request") ? "pull" : "push";
    const needed = [
      ...needs[forge].decision,
      ...(isNews || kind === "push" || happening.endsWith("deleted branch") ? needs[forge][kind] : []),
    ];
    expect(needed).toEqual(expect.arrayContaining([...new Set(refused)]));
    expect("ignored" in parse(forge, event, { forks: true })).toBe(!isNews);
  });

  it.each(cases)("of %s (%s) may also be an empty object", (forge, happening) => {
    const event = matrix[forge][happening];
    const isRefused = (place: (string | number)[], instead: unknown) =>
      "refused" in parse(forge, without(event, [place], instead), { forks: true });
    const isObject = (place: (string | number)[]) => {
      const part = place.reduce<unknown>((at, name) => (at as Record<string | number, unknown>)[name], event.payload);
      return typeof part === "object" && part !== null && !Array.isArray(part);
    };
    const optional = placesOf(event.payload).filter((place) => isObject(place) && !isRefused(place, null));
    expect(optional.filter((place) => isRefused(place, {})).map((place) => place.join("."))).toEqual([]);
  });
});

/** What each event must say: what has happened, where, and which commit. */
const needs: Record<Forge, { decision: string[]; push: string[]; pull: string[] }> = {
  github: {
    decision: ["action"],
    push: [
      "ref",
      "commits",
      "commits.id",
      "head_commit.id",
      "repository",
      "repository.full_name",
      "repository.html_url",
    ],
    pull: [
      "number",
      "repository",
      "repository.full_name",
      "repository.html_url",
      "pull_request",
      "pull_request.head",
      "pull_request.head.sha",
      "pull_request.base",
      "pull_request.base.ref",
    ],
  },
  gitlab: {
    decision: ["object_attributes"],
    push: ["ref", "commits", "commits.id"],
    pull: ["object_attributes.iid", "object_attributes.target_branch", "object_attributes.last_commit.id"],
  },
  gitea: {
    decision: [],
    push: ["ref", "after", "commits", "commits.id", "head_commit.id", "repository", "repository.full_name"],
    pull: [
      "number",
      "repository",
      "repository.full_name",
      "pull_request",
      "pull_request.head",
      "pull_request.head.sha",
      "pull_request.base",
      "pull_request.base.ref",
    ],
  },
  bitbucketcloud: {
    decision: [],
    push: [
      "repository",
      "repository.links",
      "repository.links.html",
      "repository.links.html.href",
      "push",
      "push.changes",
      "push.changes.new.name",
      "push.changes.new.target",
      "push.changes.new.target.hash",
    ],
    pull: [
      "repository",
      "repository.links",
      "repository.links.html",
      "repository.links.html.href",
      "pullrequest",
      "pullrequest.id",
      "pullrequest.destination",
      "pullrequest.destination.branch",
      "pullrequest.destination.branch.name",
    ],
  },
  bitbucketserver: {
    decision: [],
    push: ["repository", "repository.project", "changes", "changes.ref", "changes.ref.id", "changes.toHash"],
    pull: [
      "pullRequest",
      "pullRequest.id",
      "pullRequest.toRef",
      "pullRequest.toRef.displayId",
      "pullRequest.toRef.repository",
      "pullRequest.toRef.repository.project",
    ],
  },
  gerrit: {
    decision: [],
    push: ["refUpdate", "refUpdate.newRev", "refUpdate.refName", "refUpdate.project"],
    pull: [
      "change",
      "change.project",
      "change.branch",
      "change.number",
      "patchSet",
      "patchSet.revision",
      "patchSet.ref",
    ],
  },
};
