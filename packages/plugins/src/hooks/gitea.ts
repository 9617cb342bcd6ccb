import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { defineHook, type HookAnswer } from "../define-hook.ts";
import { applyOptions, forgeShape, hookOptions, type Payload } from "../hook-options.ts";
import {
  number as count,
  files,
  flag,
  isNoCommit,
  nameAndMail,
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
import { warnOfForge, warnOfRef } from "../hook-warnings.ts";

const options = hookOptions({
  ...forgeShape,
  onlyIncludePushCommit: z.boolean().default(false).describe("Only the newest commit of a push is a change."),
  pullRequestRef: z
    .enum(["head", "source"])
    .optional()
    .describe(
      "Branch of a pull request's change: refs/pull/N/head (absent: this); or source, its own branch, unless that is in a fork.",
    ),
});

type Options = z.output<typeof options>;

// Strict only about required data: invalid optional data is ignored.
const person = perhaps(z.object({ name: text, email: text }));
const commit = z.object({
  id: z.string(),
  message: text,
  timestamp: text,
  url: text,
  author: person,
  committer: person,
  added: files,
  modified: files,
  removed: files,
});

const account = perhaps(z.object({ login: text, username: text, full_name: text, email: text }));
const repository = z.object({
  id: count,
  name: text,
  full_name: z.string(),
  ssh_url: text,
  html_url: text,
  owner: account,
});

const push = z.object({
  ref: z.string(),
  after: z.string(),
  commits: z.array(commit).nullish(),
  head_commit: optionalPart(commit),
  repository,
  pusher: account,
});

const repo = perhaps(repository.partial());
const head = z.object({ ref: text, sha: z.string(), repo_id: count, repo });
const base = z.object({ ref: z.string(), sha: text, repo_id: count, repo });
type PullRequestEnd = z.output<typeof head> | z.output<typeof base>;
const standing = z.object({
  action: text,
  changes: perhaps(z.object({ ref: z.unknown().optional() })),
  pull_request: perhaps(z.object({ merged: flag })),
});
const pullRequest = z.object({
  number: z.int(),
  repository,
  sender: account,
  pull_request: z.object({
    id: count,
    title: text,
    body: text,
    html_url: text,
    user: account,
    draft: flag,
    updated_at: text,
    labels: perhaps(z.array(z.object({ name: z.string() }))),
    head,
    base,
  }),
});

/** Pushes, tags and pull requests of Gitea and Forgejo. */
export default defineHook({
  type: "gitea",
  options,
  warnings: (options) => [...warnOfForge(options), ...warnOfRef(options, "refs/pull/N/head", "source", "head")],
  authenticate: (options) =>
    checkHmac(options, [
      { header: "X-Gitea-Signature", algorithm: "sha256", prefix: "" },
      { header: "X-Forgejo-Signature", algorithm: "sha256", prefix: "" },
      { header: "X-Hub-Signature-256", algorithm: "sha256", prefix: "sha256=" },
    ]),
  signsBody: true,
  delivery: ({ headers }) => headers["x-gitea-delivery"] ?? headers["x-forgejo-delivery"],
  parse(request, options) {
    const { headers } = request;
    const event = headers["x-gitea-event"] ?? headers["x-forgejo-event"];
    const payload = readPayload(request);
    if (event === "push") return parsePush(payload, options);
    if (event?.startsWith("pull_request")) return parsePullRequest(payload, options);
    return { ignored: event === undefined ? "no X-Gitea-Event" : `event ${event}` };
  },
});

function parsePush(payload: Payload, options: Options): HookAnswer {
  const pushed = parsePayload(push, payload, "push");
  const { after, head_commit, pusher, repository } = pushed;
  const place = readRef(pushed.ref);
  if (!place) return { ignored: `not a branch or tag: ${pushed.ref}` };
  if (isNoCommit(after)) return { ignored: `${place.name} was deleted` };
  const common = {
    branch: place.name,
    repository: repository.ssh_url ?? repository.html_url ?? "",
    project: repository.full_name,
    category: "push",
    properties: { event: "push", ...describeRepository(repository) },
  };
  // Commits come newest first. A long list is truncated, and a branch that was moved back has none.
  const commits = (pushed.commits ?? []).toReversed();
  if (head_commit && !commits.some(({ id }) => id === head_commit.id)) commits.push(head_commit);
  const changes: NewChange[] = commits.map((commit) => ({
    author: nameAndMail(commit.author),
    committer: commit.committer ? nameAndMail(commit.committer) : null,
    comments: commit.message ?? "",
    files: [...commit.added, ...commit.modified, ...commit.removed],
    revision: commit.id,
    revlink: commit.url ?? "",
    ...timeOf(commit.timestamp),
    ...common,
  }));
  if (!commits.some(({ id }) => id === after)) {
    const comments = `${place.kind === "tag" ? "Tag" : "Head of"} ${place.name}`;
    const author = nameAndMail({ name: nameOf(pusher), email: pusher?.email });
    changes.push({ author, comments, revision: after, ...common });
  }
  const headline = changes.at(-1)?.comments ?? "";
  const wanted = options.onlyIncludePushCommit ? changes.slice(-1) : changes;
  return applyOptions({ changes: wanted, kind: place.kind, branch: place.name, headline }, payload, options);
}

function parsePullRequest(payload: Payload, options: Options): HookAnswer {
  // The action is checked first: an ignored event needs no other data.
  const { action, changes, pull_request: known } = parsePayload(standing, payload, "pull_request");
  // An edited text is ignored; a changed target branch is not.
  const isNews = ["opened", "reopened", "synchronized"].includes(action ?? "");
  if (!isNews && !(action === "edited" && changes?.ref !== undefined))
    return { ignored: `pull request ${action ?? "without an action"}` };
  if (known?.merged) return { ignored: "pull request that is merged" };
  const event = parsePayload(pullRequest, payload, "pull_request");
  const { number, repository, pull_request: pull } = event;
  const { head, base } = pull;
  const isFork = isElsewhere(head.repo?.full_name, repository.full_name) || !isBranch(head.ref);
  const title = pull.title ?? "";
  const describeEnd = (name: "head" | "base", { ref, sha, repo_id, repo }: PullRequestEnd) => ({
    [`${name}_branch`]: ref ?? null,
    [`${name}_sha`]: sha ?? null,
    [`${name}_repo_id`]: repo_id ?? repo?.id ?? null,
    [`${name}_repository`]: repo?.html_url ?? null,
    [`${name}_git_ssh_url`]: repo?.ssh_url ?? null,
  });
  const owner = pull.user ?? event.sender;
  const change: NewChange = {
    author: nameAndMail({ name: owner?.full_name || nameOf(owner), email: owner?.email }),
    comments: `PR#${number}: ${title}\n\n${pull.body ?? ""}`,
    branch: options.pullRequestRef === "source" && !isFork && head.ref ? head.ref : `refs/pull/${number}/head`,
    revision: head.sha,
    revlink: pull.html_url ?? "",
    repository: base.repo?.ssh_url ?? repository.ssh_url ?? "",
    project: repository.full_name,
    category: "pull_request",
    properties: {
      event: "pull_request",
      ...describeEnd("base", base),
      ...describeEnd("head", head),
      pr_id: pull.id ?? null,
      pr_number: number,
      ...describeRepository(repository),
      ...pullRequestProperties({
        number,
        title,
        url: pull.html_url ?? "",
        owner: nameOf(owner),
        branch: head.ref ?? "",
        head: head.sha,
        headRepository: head.repo?.full_name ?? "",
        base: base.ref,
        labels: (pull.labels ?? []).map(({ name }) => name),
        isFork,
        isDraft: pull.draft,
      }),
    },
    ...timeOf(pull.updated_at),
  };
  return applyOptions({ changes: [change], kind: "pull request", branch: base.ref, headline: title }, payload, options);
}

/**
 * Whether the head is a branch, which only users with write access can push. A user with read access can create a pull
 * request by pushing to `refs/for/main` (AGit): its head is a ref of the repository itself, but the code is a stranger's.
 */
function isBranch(ref: string | null | undefined): boolean {
  return typeof ref === "string" && ref !== "" && !ref.startsWith("refs/");
}

/** Not `owner` as in Buildbot, because that property of a build names the build's owner. */
function describeRepository({ name, owner }: z.output<typeof repository>) {
  return { repository_name: name ?? "", repository_owner: nameOf(owner) };
}

function nameOf(who: z.output<typeof account>): string {
  return who?.login ?? who?.username ?? "";
}
