import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { defineHook, type HookAnswer } from "../define-hook.ts";
import { applyOptions, forgeShape, hookOptions, type Payload } from "../hook-options.ts";
import { nameAndMail, parsePayload, readPayload, readRef, text, timeOf } from "../hook-payload.ts";
import { pullRequestProperties } from "../hook-pull-request.ts";
import { checkHmac } from "../hook-signature.ts";

const options = hookOptions({
  ...forgeShape,
  pullRequestEvents: z
    .array(z.enum(["created", "updated", "fulfilled", "rejected"]))
    .default(["created", "updated"])
    .describe("What must have happened to a pull request; fulfilled is merged, rejected is declined."),
  pullRequestRef: z.enum(["merge", "from"]).default("merge").describe("Which of the refs of a pull request is built."),
  fullRefs: z.boolean().default(false).describe('Branches as Buildbot names them here: "refs/heads/main".'),
  baseUrl: z
    .url()
    .optional()
    .describe("Of the server, for servers that do not tell in a payload where the repository is."),
});

type Options = z.output<typeof options>;
type Event = Options["pullRequestEvents"][number];

const links = z.object({ self: z.array(z.object({ href: z.string() })).nullish() }).nullish();
const actor = z.object({ displayName: text, name: text, username: text, emailAddress: text });
const home = z.object({ slug: text, project: z.object({ key: text, name: text }), links });

const push = z.object({
  actor,
  repository: home,
  changes: z.array(
    z.object({ ref: z.object({ id: z.string(), displayId: text }), toHash: z.string(), type: z.string() }),
  ),
  toCommit: z
    .object({
      id: z.string(),
      message: text,
      author: z.object({ name: text, emailAddress: text }).nullish(),
      authorTimestamp: z.number().nullish(),
    })
    .nullish(),
});

const end = z.object({ displayId: z.string(), latestCommit: z.string(), repository: home.nullish() });
const pullRequest = z.object({
  actor,
  pullRequest: z.object({
    id: z.int(),
    title: text,
    description: text,
    draft: z.boolean().nullish(),
    updatedDate: z.number().nullish(),
    author: z.object({ user: actor }).nullish(),
    fromRef: end,
    toRef: end.extend({ repository: home }),
    links,
  }),
});

/** What a plugin for servers older than 5.4 sends, and Buildbot understands, in the words of today. */
const oldRef = z.object({ type: text, name: z.string(), target: z.object({ hash: z.string() }) }).nullish();
const oldPush = z.object({ push: z.object({ changes: z.array(z.object({ new: oldRef, old: oldRef })) }) });
const oldEnd = z
  .object({ branch: z.object({ name: z.string() }), commit: z.object({ hash: z.string() }) })
  .transform(({ branch, commit }) => ({ displayId: branch.name, latestCommit: commit.hash }));
const oldPullRequest = z.object({
  repository: home,
  pullrequest: z.object({ id: z.int(), title: text, description: text, link: text, fromRef: oldEnd, toRef: oldEnd }),
});

/** What happened, by the event's key. */
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
  authenticate: (options) =>
    checkHmac(options, [{ header: "X-Hub-Signature", algorithm: "sha256", prefix: "sha256=" }]),
  signsBody: true,
  delivery: ({ headers }) => headers["x-request-id"],
  parse(request, options) {
    const key = request.headers["x-event-key"] ?? "";
    if (key === "diagnostics:ping") return { ignored: "ping" };
    const payload = renewPayload(readPayload(request), key);
    if (key === "repo:refs_changed") return parsePush(payload, options);
    const event = pullRequestEvents[key];
    if (event === undefined) return { ignored: key === "" ? "no X-Event-Key" : `event ${key}` };
    if (!options.pullRequestEvents.includes(event)) return { ignored: `pull request ${event}` };
    return parsePullRequest(payload, event, options);
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

/** One push may move several branches; each of them is filtered by itself. The server tells only where they are now. */
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
  const headRepository = fullName(fromRef.repository ?? repository);
  const url = pull.links?.self?.[0]?.href ?? (where.includes("://") ? `${where}pull-requests/${pull.id}` : "");
  const branches: Record<Event, string> = {
    created: `refs/pull-requests/${pull.id}/${options.pullRequestRef}`,
    updated: `refs/pull-requests/${pull.id}/${options.pullRequestRef}`,
    fulfilled: options.fullRefs ? `refs/heads/${toRef.displayId}` : toRef.displayId,
    rejected: options.fullRefs ? `refs/heads/${fromRef.displayId}` : fromRef.displayId,
  };
  const title = pull.title ?? "";
  const change: NewChange = {
    author: nameOf(actor),
    comments: `Bitbucket Server Pull Request #${pull.id}${title && `\n${title}`}${pull.description ? `\n${pull.description}` : ""}`,
    branch: branches[event],
    revision: fromRef.latestCommit,
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
        owner: pull.author?.user.name ?? "",
        branch: fromRef.displayId,
        head: fromRef.latestCommit,
        headRepository,
        base: toRef.displayId,
        labels: [],
        isFork: headRepository !== fullName(repository),
        isDraft: pull.draft ?? false,
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

function nameOf({ displayName, name, username, emailAddress }: z.output<typeof actor>): string {
  return nameAndMail({ name: displayName ?? name ?? username, email: emailAddress ?? username ?? name });
}

function fullName({ project, slug }: z.output<typeof home>): string {
  return `${project.key ?? project.name ?? ""}/${slug ?? ""}`;
}

/** The repository's page, ending in a slash; its name where nobody says where it is. */
function repositoryUrl(repository: z.output<typeof home>, { baseUrl }: Options): string {
  const self = repository.links?.self?.[0]?.href;
  if (self !== undefined) return self.replace(/browse\/?$/, "");
  if (baseUrl === undefined) return fullName(repository);
  return `${baseUrl.replace(/\/$/, "")}/projects/${repository.project.key}/repos/${repository.slug}/`;
}
