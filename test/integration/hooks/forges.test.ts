import { beforeAll, describe, expect, it } from "vitest";
import {
  type Delivery,
  deliver,
  forges,
  type RestChange,
  readChanges,
  secret,
  startHookServer,
} from "../../harness/deliver-hook.ts";
import * as p from "../../harness/hook-payloads.ts";
import type { RestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

const { sha, none } = p;
const at = 1772597167;

/** What is delivered, and the changes that come of it; without any, why. */
type Case = [name: string, delivery: Omit<Delivery, "id">, expected: RestChange[] | string];

const pull = {
  pullrequest_number: 42,
  pullrequest_title: "Faster start",
  pullrequest_branch: "faster",
  pullrequest_base: "main",
};

const github: Case[] = [
  [
    "a push of three commits: three changes, oldest first",
    { forge: "github", event: "push", payload: p.ghPush() },
    [
      {
        author: "Ada <ada@example.org>",
        committer: "GitHub <noreply@github.example>",
        branch: "main",
        revision: sha(1),
        comments: "commit 1",
        files: ["README.md", "new-1.c", "old-1.c"],
        repository: "https://github.example/acme/web",
        project: "acme/web",
        category: null,
        codebase: "",
        revlink: `https://github.example/acme/web/commit/${sha(1)}`,
        when_timestamp: at,
        properties: { event: "push", github_distinct: true },
      },
      { revision: sha(2) },
      { revision: sha(3) },
    ],
  ],
  [
    "a push as a form",
    {
      forge: "github",
      event: "push",
      payload: {},
      contentType: "application/x-www-form-urlencoded",
      body: new URLSearchParams({ payload: JSON.stringify(p.ghPush({ commits: [p.ghCommit(4)] })) }).toString(),
    },
    [{ revision: sha(4) }],
  ],
  [
    "JSON whose type names a charset",
    {
      forge: "github",
      event: "push",
      payload: p.ghPush({ commits: [p.ghCommit(5)] }),
      contentType: "application/json; charset=utf-8",
    },
    [{ revision: sha(5) }],
  ],
  [
    "a new branch: its head",
    { forge: "github", event: "push", payload: p.ghPush({ ref: "refs/heads/a/b", created: true }) },
    [{ branch: "a/b", revision: sha(3) }],
  ],
  [
    "a branch moved back, without commits: its head",
    { forge: "github", event: "push", payload: p.ghPush({ commits: [], head_commit: p.ghCommit("a"), forced: true }) },
    [{ revision: sha("a") }],
  ],
  [
    "a push so long that GitHub left the newest commits out: they end with the head",
    { forge: "github", event: "push", payload: p.ghPush({ head_commit: p.ghCommit(9) }) },
    [{ revision: sha(1) }, { revision: sha(2) }, { revision: sha(3) }, { revision: sha(9) }],
  ],
  [
    "a tag",
    { forge: "github", event: "push", payload: p.ghPush({ ref: "refs/tags/v1", created: true }) },
    [{ branch: "v1", category: "tag", revision: sha(3) }],
  ],
  [
    "a deleted branch",
    {
      forge: "github",
      event: "push",
      payload: p.ghPush({ deleted: true, after: none, commits: [], head_commit: null }),
    },
    "main was deleted",
  ],
  [
    "a push of nothing",
    { forge: "github", event: "push", payload: p.ghPush({ commits: [], head_commit: null }) },
    "a push of nothing",
  ],
  [
    "a ref that is neither branch nor tag",
    { forge: "github", event: "push", payload: p.ghPush({ ref: "refs/notes/commits" }) },
    "not a branch or tag: refs/notes/commits",
  ],
  [
    "a push whose newest commit says so",
    { forge: "github", event: "push", payload: p.ghPush({ commits: [p.ghCommit(1), p.ghCommit(2, "x [skip ci]")] }) },
    "its message says so",
  ],
  ["a ping", { forge: "github", event: "ping", payload: { zen: "Keep it." } }, "event ping"],
  ["an event that no one knows", { forge: "github", event: "star", payload: { action: "created" } }, "event star"],
  [
    "a pull request from a fork",
    { forge: "github", event: "pull_request", payload: p.ghPull() },
    [
      {
        author: "ada",
        branch: "refs/pull/42/merge",
        revision: sha(9),
        category: "pull",
        comments: "GitHub Pull Request #42 (2 commits)\nFaster start\nIt was slow.",
        repository: "https://github.example/acme/web",
        project: "acme/web",
        revlink: "https://github.example/acme/web/pull/42",
        properties: {
          event: "pull_request",
          basename: "main",
          pullrequesturl: "https://github.example/acme/web/pull/42",
          ...pull,
          pullrequest_head: sha(9),
          pullrequest_owner: "eve",
          pullrequest_repository: "eve/web",
          pullrequest_labels: ["speed", "ci"],
          pullrequest_fork: true,
          pullrequest_draft: false,
        },
      },
    ],
  ],
  [
    "a pull request whose fork is gone and whose text is empty",
    {
      forge: "github",
      event: "pull_request",
      payload: p.ghPull({ action: "synchronize" }, { body: null, head: { ref: "faster", sha: sha(8), repo: null } }),
    },
    [{ revision: sha(8), properties: { pullrequest_fork: true } }],
  ],
  [
    "a closed pull request",
    { forge: "github", event: "pull_request", payload: p.ghPull({ action: "closed" }) },
    "pull request closed",
  ],
  [
    "a label",
    { forge: "github", event: "pull_request", payload: p.ghPull({ action: "labeled" }) },
    "pull request labeled",
  ],
];

const gitlab: Case[] = [
  [
    "a push",
    { forge: "gitlab", event: "Push Hook", payload: p.glPush(), query: "?codebase=web" },
    [
      {
        author: "Ada <ada@example.org>",
        branch: "main",
        revision: sha(1),
        files: ["README.md", "new-1.c", "old-1.c"],
        repository: "git@gitlab.example:acme/web.git",
        project: "Web",
        category: "push",
        codebase: "web",
        when_timestamp: at,
        properties: { event: "push" },
      },
      { revision: sha(2), codebase: "web" },
    ],
  ],
  [
    "a push of which GitLab lists only some commits: they end with the head",
    {
      forge: "gitlab",
      event: "Push Hook",
      payload: p.glPush({ after: sha(9), checkout_sha: sha(9), total_commits_count: 30 }),
    },
    [
      { revision: sha(1) },
      { revision: sha(2) },
      {
        revision: sha(9),
        author: "Ada <ada@example.org>",
        revlink: `https://gitlab.example/acme/web/-/commit/${sha(9)}`,
      },
    ],
  ],
  [
    "a new branch without commits of its own: its head",
    { forge: "gitlab", event: "Push Hook", payload: p.glPush({ before: none, commits: [], ref: "refs/heads/new" }) },
    [{ branch: "new", revision: sha(2), comments: "Head of new" }],
  ],
  [
    "a deleted branch",
    { forge: "gitlab", event: "Push Hook", payload: p.glPush({ after: none, checkout_sha: null, commits: [] }) },
    "main was deleted",
  ],
  [
    "a tag",
    {
      forge: "gitlab",
      event: "Tag Push Hook",
      payload: p.glPush({
        object_kind: "tag_push",
        ref: "refs/tags/v1",
        before: none,
        commits: [],
        message: "Release 1",
      }),
    },
    [{ branch: "v1", category: "tag_push", revision: sha(2), comments: "Release 1" }],
  ],
  [
    "a push whose newest commit says so",
    { forge: "gitlab", event: "Push Hook", payload: p.glPush({ commits: [p.glCommit(2, "y [ci skip]")] }) },
    "its message says so",
  ],
  [
    "a merge request from a fork",
    { forge: "gitlab", event: "Merge Request Hook", payload: p.glMerge() },
    [
      {
        author: "Eve <eve@example.org>",
        branch: "main",
        revision: sha(9),
        category: "merge_request",
        comments: "MR#42: Faster start\n\nIt was slow.",
        repository: "https://gitlab.example/acme/web.git",
        project: "Web",
        files: [],
        properties: {
          event: "merge_request",
          source_branch: "faster",
          source_project_id: 6,
          source_repository: "https://gitlab.example/eve/web.git",
          target_branch: "main",
          ...pull,
          pullrequest_owner: "eve",
          pullrequest_labels: ["speed"],
          pullrequest_fork: true,
        },
      },
    ],
  ],
  [
    "new commits of a merge request",
    { forge: "gitlab", event: "Merge Request Hook", payload: p.glMerge({ action: "update", oldrev: sha(8) }) },
    [{ revision: sha(9) }],
  ],
  [
    "a new title of a merge request",
    { forge: "gitlab", event: "Merge Request Hook", payload: p.glMerge({ action: "update" }) },
    "merge request: update without new commits",
  ],
  [
    "a merged one",
    { forge: "gitlab", event: "Merge Request Hook", payload: p.glMerge({ action: "merge", state: "merged" }) },
    "merge request merged",
  ],
  [
    "a comment on a merge request",
    {
      forge: "gitlab",
      event: "Note Hook",
      payload: {
        object_kind: "note",
        user: { username: "ada" },
        object_attributes: { note: "once more" },
        merge_request: p.glMerge({ action: undefined }).object_attributes,
      },
    },
    [{ category: "note", properties: { event: "note", comments: "once more", pullrequest_owner: "ada" } }],
  ],
  [
    "a comment elsewhere",
    { forge: "gitlab", event: "Note Hook", payload: { object_kind: "note", object_attributes: { note: "hm" } } },
    "a comment that is not on a merge request",
  ],
  [
    "an event that no one knows",
    { forge: "gitlab", event: "Pipeline Hook", payload: { object_kind: "pipeline" } },
    "event pipeline",
  ],
];

const gitea: Case[] = [
  [
    "a push, listed newest first: oldest first",
    { forge: "gitea", event: "push", payload: p.giteaPush() },
    [
      {
        author: "Ada <ada@example.org>",
        revision: sha(1),
        branch: "main",
        category: "push",
        repository: "git@gitea.example:acme/web.git",
        project: "acme/web",
        properties: { event: "push", repository_name: "web", repository_owner: "acme" },
      },
      { revision: sha(2) },
    ],
  ],
  [
    "a push without commits: its head",
    { forge: "gitea", event: "push", payload: p.giteaPush({ commits: [], head_commit: null, ref: "refs/heads/new" }) },
    [{ branch: "new", revision: sha(2), author: "ada <ada@example.org>" }],
  ],
  [
    "a deleted branch",
    { forge: "gitea", event: "push", payload: p.giteaPush({ after: none, commits: [], head_commit: null }) },
    "main was deleted",
  ],
  [
    "a pull request",
    { forge: "gitea", event: "pull_request", payload: p.giteaPull() },
    [
      {
        author: "Ada <ada@example.org>",
        branch: "faster",
        revision: sha(9),
        category: "pull_request",
        comments: "PR#42: Faster start\n\nIt was slow.",
        properties: {
          event: "pull_request",
          base_branch: "main",
          base_sha: sha("a"),
          head_branch: "faster",
          head_sha: sha(9),
          head_repo_id: 3,
          head_git_ssh_url: "git@gitea.example:acme/web.git",
          pr_id: 77,
          pr_number: 42,
          ...pull,
          pullrequest_fork: false,
          pullrequest_draft: true,
        },
      },
    ],
  ],
  [
    "new commits of a pull request whose fork is gone: the ref that the repository keeps",
    {
      forge: "gitea",
      event: "pull_request_sync",
      payload: p.giteaPull({ action: "synchronized" }, { head: { ref: "faster", sha: sha(8), repo: null } }),
    },
    [{ branch: "refs/pull/42/head", revision: sha(8), properties: { pullrequest_fork: true } }],
  ],
  [
    "a pull request of a user who may only read, whose head is no branch (AGit): a fork's",
    {
      forge: "gitea",
      event: "pull_request",
      payload: p.giteaPull(
        {},
        { head: { label: "", ref: "refs/pull/42/head", sha: sha(7), repo_id: 3, repo: p.giteaRepo } },
      ),
    },
    [{ branch: "refs/pull/42/head", revision: sha(7), properties: { pullrequest_fork: true } }],
  ],
  [
    "a pull request with a new text",
    { forge: "gitea", event: "pull_request", payload: p.giteaPull({ action: "edited", changes: { body: {} } }) },
    "pull request edited",
  ],
  [
    "a pull request with a new target",
    { forge: "gitea", event: "pull_request", payload: p.giteaPull({ action: "edited", changes: { ref: {} } }) },
    [{ revision: sha(9) }],
  ],
  ["an event that no one knows", { forge: "gitea", event: "fork", payload: {} }, "event fork"],
];

const bitbucketcloud: Case[] = [
  [
    "a push of a branch, a tag and the end of another branch",
    {
      forge: "bitbucketcloud",
      event: "repo:push",
      payload: p.cloudPush([
        { new: p.cloudBranch("main", 1), old: p.cloudBranch("main", 0) },
        { new: { ...p.cloudBranch("v1", 2), type: "tag" }, old: null },
        { new: null, old: p.cloudBranch("gone", 3) },
      ]),
    },
    [
      {
        author: "Ada <ada@example.org>",
        branch: "main",
        revision: sha(1),
        comments: "commit 1\n",
        category: "push",
        repository: "https://bitbucket.example/acme/web",
        project: "Web",
        revlink: `https://bitbucket.example/acme/web/commits/${sha(1)}`,
      },
      { branch: "v1", revision: sha(2) },
    ],
  ],
  [
    "the end of a branch alone",
    { forge: "bitbucketcloud", event: "repo:push", payload: p.cloudPush([{ old: p.cloudBranch("gone", 3) }]) },
    "gone was deleted",
  ],
  [
    "a pull request from a fork",
    { forge: "bitbucketcloud", event: "pullrequest:created", payload: p.cloudPull() },
    [
      {
        author: "Ada <ada>",
        branch: "refs/pull-requests/42/from",
        revision: sha(9).slice(0, 12),
        repository: "https://bitbucket.example/eve/web",
        category: "pull-created",
        revlink: "https://bitbucket.example/acme/web/pull-requests/42",
        properties: { ...pull, pullrequest_owner: "eve", pullrequest_repository: "eve/web", pullrequest_fork: true },
      },
    ],
  ],
  [
    "a declined pull request",
    { forge: "bitbucketcloud", event: "pullrequest:rejected", payload: p.cloudPull() },
    "pull request rejected",
  ],
  ["an event that no one knows", { forge: "bitbucketcloud", event: "repo:fork", payload: {} }, "event repo:fork"],
];

const bitbucketserver: Case[] = [
  [
    "a push of a branch, a tag and the end of another branch",
    {
      forge: "bitbucketserver",
      event: "repo:refs_changed",
      payload: p.serverPush(
        [
          p.serverChange("main", 1),
          p.serverChange("v1", 2, "ADD", "tags"),
          p.serverChange("gone", 0, "DELETE"),
          p.serverChange("9/merge", 3, "UPDATE", "pull-requests"),
        ],
        {
          toCommit: {
            id: sha(1),
            message: "commit 1",
            author: { name: "Eve", emailAddress: "eve@example.org" },
            authorTimestamp: at * 1000,
          },
        },
      ),
    },
    [
      {
        author: "Eve <eve@example.org>",
        branch: "main",
        revision: sha(1),
        comments: "commit 1",
        when_timestamp: at,
        category: "push",
        repository: "https://bitbucket.example/projects/WEB/repos/web/",
        project: "Web",
        revlink: `https://bitbucket.example/projects/WEB/repos/web/commits/${sha(1)}`,
      },
      {
        author: "Ada <ada@example.org>",
        branch: "v1",
        revision: sha(2),
        comments: `Bitbucket Server commit ${sha(2)}`,
      },
    ],
  ],
  [
    "a repository that no one says where it is",
    {
      forge: "bitbucketserver",
      event: "repo:refs_changed",
      payload: p.serverPush([p.serverChange("main", 1)], {
        repository: { slug: "web", project: { key: "WEB", name: "Web" } },
      }),
    },
    [{ repository: "WEB/web", revlink: "" }],
  ],
  [
    "a pull request from a fork",
    { forge: "bitbucketserver", event: "pr:opened", payload: p.serverPull("pr:opened") },
    [
      {
        author: "Ada <ada@example.org>",
        branch: "refs/pull-requests/42/merge",
        revision: sha(9),
        category: "pull-created",
        repository: "https://bitbucket.example/projects/WEB/repos/web/",
        revlink: "https://bitbucket.example/projects/WEB/repos/web/pull-requests/42",
        properties: { ...pull, pullrequest_owner: "eve", pullrequest_repository: "~eve/web", pullrequest_fork: true },
      },
    ],
  ],
  [
    "new commits of a pull request",
    { forge: "bitbucketserver", event: "pr:from_ref_updated", payload: p.serverPull("pr:from_ref_updated") },
    [{ category: "pull-updated" }],
  ],
  [
    "a merged pull request",
    { forge: "bitbucketserver", event: "pr:merged", payload: p.serverPull("pr:merged") },
    "pull request fulfilled",
  ],
  ["a ping", { forge: "bitbucketserver", event: "diagnostics:ping", payload: { test: true } }, "ping"],
  [
    "an event that no one knows",
    { forge: "bitbucketserver", event: "repo:comment:added", payload: {} },
    "event repo:comment:added",
  ],
];

const gerrit: Case[] = [
  [
    "a patch set",
    { forge: "gerrit", event: "", payload: p.gerritPatchSet() },
    [
      {
        author: "Ada <ada@example.org>",
        branch: "refs/changes/42/42/3",
        revision: sha(9),
        comments: "Faster start\n\nIt was slow.\n",
        category: "patchset-created",
        project: "acme/web",
        revlink: "https://gerrit.example/c/acme/web/+/42",
        when_timestamp: 1772600767,
        properties: {
          "event.type": "patchset-created",
          "event.change.branch": "main",
          "event.patchSet.ref": "refs/changes/42/42/3",
          pullrequest_number: 42,
          pullrequest_base: "main",
          pullrequest_owner: "ada",
        },
      },
    ],
  ],
  [
    "a branch that moved",
    { forge: "gerrit", event: "", payload: p.gerritRefUpdated() },
    [{ branch: "main", revision: sha(2), category: "ref-updated" }],
  ],
  [
    "a branch that ended",
    { forge: "gerrit", event: "", payload: p.gerritRefUpdated({ newRev: none }) },
    "main was deleted",
  ],
  [
    "Gerrit's own refs",
    { forge: "gerrit", event: "", payload: p.gerritRefUpdated({ refName: "refs/changes/42/42/meta" }) },
    "not a branch or tag: refs/changes/42/42/meta",
  ],
  [
    "an event that is not asked for",
    { forge: "gerrit", event: "", payload: { type: "reviewer-added" } },
    "event reviewer-added",
  ],
];

const cases = { github, gitlab, gitea, bitbucketcloud, bitbucketserver, gerrit };

describe.each(engines)("what forges report becomes changes on %s:", (engine) => {
  let server: RestServer;
  beforeAll(async () => {
    const hooks = Object.values({
      ...forges,
      gitlab: (options: object) => forges.gitlab({ ...options, pullRequestRef: "target" }),
      gitea: (options: object) => forges.gitea({ ...options, pullRequestRef: "source" }),
    }).map((hook) => hook({ secret, forks: true }));
    server = await startHookServer(await newDatabase(engine), { hooks });
  });

  describe.each(Object.entries(cases))("%s:", (forge, list) => {
    it.each(list)("%s", async (name, delivery, expected) => {
      const before = (await readChanges(server)).length;
      const answer = await deliver(server, { ...delivery, id: `${forge}: ${name}` });
      const changes = (await readChanges(server)).slice(before);
      if (typeof expected === "string") {
        expect(answer).toEqual({ status: 200, text: `no change found: ${expected}` });
        expect(changes).toEqual([]);
      } else {
        expect(answer).toEqual({ status: 202, text: `${expected.length} change found` });
        expect(changes).toMatchObject(expected);
      }
    });
  });
});
