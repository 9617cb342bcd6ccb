import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { defineHook, type HookAnswer } from "../define-hook.ts";
import { applyOptions, forgeShape, hookOptions, type Payload } from "../hook-options.ts";
import { files, isNoCommit, nameAndMail, parsePayload, readPayload, readRef, text, timeOf } from "../hook-payload.ts";
import { pullRequestProperties } from "../hook-pull-request.ts";
import { checkHmac } from "../hook-signature.ts";

const options = hookOptions({
  ...forgeShape,
  onlyIncludePushCommit: z.boolean().default(false).describe("Only the newest commit of a push is a change."),
});

type Options = z.output<typeof options>;

const commit = z.object({
  id: z.string(),
  message: z.string(),
  timestamp: text,
  url: text,
  author: z.object({ name: text, email: text }).nullish(),
  committer: z.object({ name: text, email: text }).nullish(),
  added: files,
  modified: files,
  removed: files,
});

const account = z.object({ login: text, username: text, full_name: text, email: text });
const repository = z.object({
  id: z.int().nullish(),
  name: z.string(),
  full_name: z.string(),
  ssh_url: text,
  html_url: text,
  owner: account,
});

const push = z.object({
  ref: z.string(),
  after: z.string(),
  commits: z.array(commit).nullish(),
  head_commit: commit.nullish(),
  repository,
  pusher: account.nullish(),
});

const end = z.object({ ref: z.string(), sha: z.string(), repo_id: z.int().nullish(), repo: repository.nullish() });
const pullRequest = z.object({
  action: z.string(),
  number: z.int(),
  changes: z.object({ ref: z.unknown().optional() }).nullish(),
  repository,
  sender: account.nullish(),
  pull_request: z.object({
    id: z.int().nullish(),
    number: z.int(),
    title: z.string(),
    body: text,
    html_url: text,
    user: account.nullish(),
    merged: z.boolean().nullish(),
    draft: z.boolean().nullish(),
    updated_at: text,
    labels: z.array(z.object({ name: z.string() })).nullish(),
    head: end,
    base: end,
  }),
});

/** Pushes, tags and pull requests of Gitea and Forgejo. */
export default defineHook({
  type: "gitea",
  options,
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
    properties: { event: "push", repository_name: repository.name, owner: nameOf(repository.owner) },
  };
  // They come newest first. A long list is cut short, and a branch that was moved back has none.
  const commits = (pushed.commits ?? []).toReversed();
  if (head_commit && !commits.some(({ id }) => id === head_commit.id)) commits.push(head_commit);
  const changes: NewChange[] = commits.map((commit) => ({
    author: nameAndMail(commit.author),
    committer: commit.committer ? nameAndMail(commit.committer) : null,
    comments: commit.message,
    files: [...commit.added, ...commit.modified, ...commit.removed],
    revision: commit.id,
    revlink: commit.url ?? "",
    ...timeOf(commit.timestamp),
    ...common,
  }));
  if (!commits.some(({ id }) => id === after)) {
    const comments = `${place.kind === "tag" ? "Tag" : "Head of"} ${place.name}`;
    const author = nameAndMail({ name: pusher && nameOf(pusher), email: pusher?.email });
    changes.push({ author, comments, revision: after, ...common });
  }
  const headline = changes.at(-1)?.comments ?? "";
  const wanted = options.onlyIncludePushCommit ? changes.slice(-1) : changes;
  return applyOptions({ changes: wanted, kind: place.kind, branch: place.name, headline }, payload, options);
}

function parsePullRequest(payload: Payload, options: Options): HookAnswer {
  const event = parsePayload(pullRequest, payload, "pull_request");
  const { action, number, repository, pull_request: pull } = event;
  const { head, base } = pull;
  // An edited text is no news; another target branch is.
  const isNews = ["opened", "reopened", "synchronized"].includes(action);
  if (!isNews && !(action === "edited" && event.changes?.ref !== undefined))
    return { ignored: `pull request ${action}` };
  if (pull.merged) return { ignored: "pull request that is merged" };
  const headRepository = head.repo?.full_name ?? "";
  const isFork = headRepository !== repository.full_name;
  const describeEnd = (name: "head" | "base", { sha, repo_id, repo }: z.output<typeof end>) => ({
    [`${name}_branch`]: name === "head" ? head.ref : base.ref,
    [`${name}_sha`]: sha,
    [`${name}_repo_id`]: repo_id ?? repo?.id ?? null,
    [`${name}_repository`]: repo?.html_url ?? null,
    [`${name}_git_ssh_url`]: repo?.ssh_url ?? null,
  });
  const owner = pull.user ?? event.sender;
  const change: NewChange = {
    author: nameAndMail({ name: owner?.full_name || (owner && nameOf(owner)), email: owner?.email }),
    comments: `PR#${number}: ${pull.title}\n\n${pull.body ?? ""}`,
    // The branch of a fork is not in the repository; that ref is, for every pull request.
    branch: isFork ? `refs/pull/${number}/head` : head.ref,
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
      repository_name: repository.name,
      owner: nameOf(repository.owner),
      ...pullRequestProperties({
        number,
        title: pull.title,
        url: pull.html_url ?? "",
        owner: owner ? nameOf(owner) : "",
        branch: head.ref,
        head: head.sha,
        headRepository,
        base: base.ref,
        labels: (pull.labels ?? []).map(({ name }) => name),
        isFork,
        isDraft: pull.draft ?? false,
      }),
    },
    ...timeOf(pull.updated_at),
  };
  return applyOptions(
    { changes: [change], kind: "pull request", branch: base.ref, headline: pull.title },
    payload,
    options,
  );
}

function nameOf({ login, username }: z.output<typeof account>): string {
  return login ?? username ?? "";
}
