import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { defineHook, type HookAnswer } from "../define-hook.ts";
import { applyOptions, forgeShape, hookOptions, type Payload } from "../hook-options.ts";
import {
  flag,
  nameAndMail,
  number,
  optionalPart,
  parsePayload,
  perhaps,
  readPayload,
  readRef,
  text,
  timeOf,
} from "../hook-payload.ts";
import { isElsewhere, pullRequestProperties } from "../hook-pull-request.ts";
import { checkHmac } from "../hook-signature.ts";
import { warnOfForge } from "../hook-warnings.ts";

const options = hookOptions({
  ...forgeShape,
  pullRequestEvents: z
    .array(z.enum(["created", "updated", "fulfilled", "rejected"]))
    .default(["created", "updated"])
    .describe("Events of a pull request that are changes; fulfilled is merged, rejected is declined."),
  pullRequestRef: z.enum(["merge", "from"]).default("merge").describe("The ref of a pull request that is built."),
  fullRefs: z.boolean().default(false).describe('Names branches as Buildbot does for this forge: "refs/heads/main".'),
  baseUrl: z
    .url()
    .optional()
    .describe("URL of the server, for servers whose payloads do not contain the repository's URL."),
});

type Options = z.output<typeof options>;
type Event = Options["pullRequestEvents"][number];

// Strict only about required data: invalid optional data is ignored.
const links = perhaps(z.object({ self: z.array(z.object({ href: z.string() })).nullish() }));
const actor = perhaps(z.object({ displayName: text, name: text, username: text, emailAddress: text }));
const home = z.object({ slug: text, project: z.object({ key: text, name: text }), links });

const push = z.object({
  actor,
  repository: home,
  changes: z.array(z.object({ ref: z.object({ id: z.string() }), toHash: z.string(), type: text })),
  toCommit: perhaps(
    z.object({
      id: z.string(),
      message: text,
      author: perhaps(z.object({ name: text, emailAddress: text })),
      authorTimestamp: number,
    }),
  ),
});

const end = z.object({ displayId: text, latestCommit: text, repository: perhaps(home) });
const pullRequest = z.object({
  actor,
  pullRequest: z.object({
    id: z.int(),
    title: text,
    description: text,
    draft: flag,
    updatedDate: number,
    author: perhaps(z.object({ user: actor })),
    fromRef: perhaps(end),
    toRef: z.object({ displayId: z.string(), repository: home }),
    properties: perhaps(z.object({ mergeCommit: perhaps(z.object({ id: text })) })),
    links,
  }),
});

/** The payload of a plugin for servers older than 5.4, which Buildbot supports, converted to the present form. */
const oldRef = optionalPart(z.object({ type: text, name: z.string(), target: z.object({ hash: z.string() }) }));
const oldPush = z.object({ push: z.object({ changes: z.array(z.object({ new: oldRef, old: oldRef })) }) });
const oldEnd = z
  .object({
    branch: z.object({ name: z.string() }),
    commit: perhaps(z.object({ hash: text })),
    repository: perhaps(home),
  })
  .transform(({ branch, commit, repository }) => ({
    displayId: branch.name,
    latestCommit: commit?.hash,
    repository,
  }));
const oldPullRequest = z.object({
  repository: home,
  pullrequest: z.object({
    id: z.int(),
    title: text,
    description: text,
    link: text,
    fromRef: perhaps(oldEnd),
    toRef: oldEnd,
  }),
});

/** The event, by the header's event key. */
const pullRequestEvents: Readonly<Record<string, Event>> = {
  "pullrequest:created": "created",
  "pullrequest:updated": "updated",
  "pullrequest:fulfilled": "fulfilled",
  "pullrequest:rejected": "rejected",
  "pr:opened": "created",
  "pr:reopened": "updated",
  "pr:from_ref_updated": "updated",
  "pr:merged": "fulfilled",
  "pr:declined": "rejected",
};

/** Pushes, tags and pull requests of Bitbucket Server and Data Center. */
export default defineHook({
  type: "bitbucketserver",
  options,
  warnings: warnOfForge,
  authenticate: (options) =>
    checkHmac(options, [{ header: "X-Hub-Signature", algorithm: "sha256", prefix: "sha256=" }]),
  signsBody: true,
  delivery: ({ headers }) => headers["x-request-id"],
  parse(request, options) {
    const key = request.headers["x-event-key"] ?? "";
    if (key === "diagnostics:ping") return { ignored: "ping" };
    const payload = readPayload(request);
    if (key === "repo:refs_changed") return parsePush(renewPayload(payload, key), options);
    const event = Object.hasOwn(pullRequestEvents, key) ? pullRequestEvents[key] : undefined;
    if (event === undefined) return { ignored: key === "" ? "no X-Event-Key" : `event ${key}` };
    if (!options.pullRequestEvents.includes(event)) return { ignored: `pull request ${event}` };
    return parsePullRequest(renewPayload(payload, key), event, options);
  },
});

function renewPayload(payload: Payload, key: string): Payload {
  if ("push" in payload) {
    const { push } = parsePayload(oldPush, payload, key);
    const changes = push.changes.flatMap(({ new: to, old }) => {
      const ref = to ?? old;
      if (!ref) return [];
      const id = `refs/${ref.type === "tag" ? "tags" : "heads"}/${ref.name}`;
      return { ref: { id }, toHash: ref.target.hash, type: to ? "UPDATE" : "DELETE" };
    });
    return { ...payload, changes };
  }
  if ("pullrequest" in payload) {
    const { repository, pullrequest } = parsePayload(oldPullRequest, payload, key);
    const { link, toRef, ...rest } = pullrequest;
    const links = { self: link ? [{ href: link }] : [] };
    return { ...payload, pullRequest: { ...rest, links, toRef: { ...toRef, repository } } };
  }
  return payload;
}

/** One push may move several branches; each is filtered separately. The payload has only their new commits. */
function parsePush(payload: Payload, options: Options): HookAnswer {
  const { actor, repository, changes: moved, toCommit } = parsePayload(push, payload, "repo:refs_changed");
  const where = repositoryUrl(repository, options);
  const answers = moved.map(({ ref, toHash, type }): HookAnswer => {
    const place = readRef(ref.id);
    if (!place) return { ignored: `not a branch or tag: ${ref.id}` };
    if (type === "DELETE") return { ignored: `${place.name} was deleted` };
    const commit = toCommit?.id === toHash ? toCommit : undefined;
    const change: NewChange = {
      author: commit?.author
        ? nameAndMail({ name: commit.author.name, email: commit.author.emailAddress })
        : nameOf(actor),
      comments: commit?.message ?? `Bitbucket Server commit ${toHash}`,
      branch: options.fullRefs ? ref.id : place.name,
      revision: toHash,
      revlink: where.includes("://") ? `${where}commits/${toHash}` : "",
      repository: where,
      project: repository.project.name ?? repository.project.key ?? "",
      category: "push",
      properties: { event: "repo:refs_changed" },
      ...timeOf(commit?.authorTimestamp),
    };
    const headline = commit?.message ?? "";
    return applyOptions({ changes: [change], kind: place.kind, branch: place.name, headline }, payload, options);
  });
  const changes = answers.flatMap((answer) => ("changes" in answer ? answer.changes : []));
  const ignored = answers.flatMap((answer) => ("ignored" in answer ? answer.ignored : []));
  return changes.length > 0 ? { changes } : { ignored: ignored.join(", ") || "a push of nothing" };
}

function parsePullRequest(payload: Payload, event: Event, options: Options): HookAnswer {
  const { actor, pullRequest: pull } = parsePayload(pullRequest, payload, `pull request (${event})`);
  const { fromRef, toRef } = pull;
  const { repository } = toRef;
  const where = repositoryUrl(repository, options);
  const head = fromRef?.latestCommit;
  const headRepository = fromRef?.repository ? fullName(fromRef.repository) : "";
  // A merged request belongs to the repository: its target branch is built, as the merge left it.
  const isMerged = event === "fulfilled";
  if (!isMerged && !head) return { ignored: "pull request without a commit" };
  const url = pull.links?.self?.[0]?.href ?? (where.includes("://") ? `${where}pull-requests/${pull.id}` : "");
  const branches: Record<Event, string> = {
    created: `refs/pull-requests/${pull.id}/${options.pullRequestRef}`,
    updated: `refs/pull-requests/${pull.id}/${options.pullRequestRef}`,
    fulfilled: options.fullRefs ? `refs/heads/${toRef.displayId}` : toRef.displayId,
    // A declined request can hardly be merged, and its branch may be a fork's with the name of one of the repository's own.
    rejected: `refs/pull-requests/${pull.id}/from`,
  };
  const title = pull.title ?? "";
  const change: NewChange = {
    author: nameOf(actor),
    comments: `Bitbucket Server Pull Request #${pull.id}${title && `\n${title}`}${pull.description ? `\n${pull.description}` : ""}`,
    branch: branches[event],
    revision: (isMerged ? pull.properties?.mergeCommit?.id : head) ?? null,
    revlink: url,
    repository: where,
    project: repository.project.name ?? repository.project.key ?? "",
    category: `pull-${event}`,
    properties: {
      event: `pull-${event}`,
      ...pullRequestProperties({
        number: pull.id,
        title,
        url,
        owner: pull.author?.user?.name ?? "",
        branch: fromRef?.displayId ?? "",
        head: head ?? "",
        headRepository,
        base: toRef.displayId,
        labels: [],
        isFork: !isMerged && isElsewhere(headRepository, fullName(repository)),
        isDraft: pull.draft,
      }),
    },
    ...timeOf(pull.updatedDate),
  };
  return applyOptions(
    { changes: [change], kind: "pull request", branch: toRef.displayId, headline: title },
    payload,
    options,
  );
}

function nameOf(who: z.output<typeof actor>): string {
  const { displayName, name, username, emailAddress } = who ?? {};
  return nameAndMail({ name: displayName ?? name ?? username, email: emailAddress ?? username ?? name });
}

/** "" if unknown: then it differs from any other. */
function fullName({ project, slug }: z.output<typeof home>): string {
  const key = project.key ?? project.name;
  return key && slug ? `${key}/${slug}` : "";
}

/** The URL of the repository's page, ending in a slash; the repository's name if no URL is known. */
function repositoryUrl(repository: z.output<typeof home>, { baseUrl }: Options): string {
  const self = repository.links?.self?.[0]?.href;
  if (self !== undefined) return self.replace(/browse\/?$/, "");
  if (baseUrl === undefined) return fullName(repository);
  return `${baseUrl.replace(/\/$/, "")}/projects/${repository.project.key}/repos/${repository.slug}/`;
}
