/** Payloads as the forges send them, shortened to what they are about; written for these tests. */

export const sha = (n: number | string) => String(n).repeat(40).slice(0, 40);
const none = "0".repeat(40);
const ada = { name: "Ada", email: "ada@example.org" };

const ghRepo = {
  id: 7,
  name: "web",
  full_name: "acme/web",
  html_url: "https://github.example/acme/web",
  clone_url: "https://github.example/acme/web.git",
  owner: { login: "acme" },
};

export const ghCommit = (n: number | string, message = `commit ${n}`) => ({
  id: sha(n),
  tree_id: sha("f"),
  distinct: true,
  message,
  timestamp: "2026-03-04T05:06:07+01:00",
  url: `https://github.example/acme/web/commit/${sha(n)}`,
  author: { ...ada, username: "ada" },
  committer: { name: "GitHub", email: "noreply@github.example", username: "web-flow" },
  added: [`new-${n}.c`],
  // A rename is the new name added and the old one removed.
  removed: [`old-${n}.c`],
  modified: ["README.md"],
});

type Fields = Record<string, unknown>;

export const ghPush = (more: Fields = {}) => {
  const commits = (more["commits"] as Fields[] | undefined) ?? [ghCommit(1), ghCommit(2), ghCommit(3)];
  return {
    ref: "refs/heads/main",
    before: sha("a"),
    after: sha(3),
    created: false,
    deleted: false,
    forced: false,
    compare: "https://github.example/acme/web/compare/a...3",
    commits,
    head_commit: commits.at(-1) ?? null,
    repository: ghRepo,
    pusher: ada,
    sender: { login: "ada", id: 1 },
    ...more,
  };
};

export const ghPull = (more: Fields = {}, pull: Fields = {}) => ({
  action: "opened",
  number: 42,
  repository: ghRepo,
  sender: { login: "ada" },
  pull_request: {
    number: 42,
    state: "open",
    title: "Faster start",
    body: "It was slow.",
    user: { login: "eve" },
    commits: 2,
    draft: false,
    created_at: "2026-03-04T05:06:07Z",
    labels: [{ name: "speed" }, { name: "ci" }],
    head: { ref: "faster", sha: sha(9), repo: { ...ghRepo, full_name: "eve/web" } },
    base: { ref: "main", sha: sha("a"), repo: ghRepo },
    _links: { html: { href: "https://github.example/acme/web/pull/42" } },
    ...pull,
  },
  ...more,
});

const glProject = {
  id: 5,
  name: "Web",
  web_url: "https://gitlab.example/acme/web",
  git_ssh_url: "git@gitlab.example:acme/web.git",
  git_http_url: "https://gitlab.example/acme/web.git",
  path_with_namespace: "acme/web",
};

export const glCommit = (n: number | string, message = `commit ${n}`) => ({
  id: sha(n),
  message,
  title: message,
  timestamp: "2026-03-04T05:06:07+01:00",
  url: `https://gitlab.example/acme/web/-/commit/${sha(n)}`,
  author: ada,
  added: [`new-${n}.c`],
  modified: ["README.md"],
  removed: [`old-${n}.c`],
});

export const glPush = (more: Fields = {}) => ({
  object_kind: "push",
  event_name: "push",
  before: sha("a"),
  after: sha(2),
  checkout_sha: sha(2),
  ref: "refs/heads/main",
  user_name: "Ada",
  user_username: "ada",
  user_email: ada.email,
  project_id: 5,
  project: glProject,
  repository: { name: "Web", url: glProject.git_ssh_url, homepage: glProject.web_url },
  commits: [glCommit(1), glCommit(2)],
  total_commits_count: 2,
  ...more,
});

export const glMerge = (attributes: Fields = {}, more: Fields = {}) => ({
  object_kind: "merge_request",
  event_type: "merge_request",
  user: { name: "Eve", username: "eve" },
  project: glProject,
  labels: [{ id: 1, title: "speed" }],
  object_attributes: {
    id: 99,
    iid: 42,
    title: "Faster start",
    description: "It was slow.",
    state: "opened",
    action: "open",
    url: "https://gitlab.example/acme/web/-/merge_requests/42",
    draft: false,
    source_branch: "faster",
    target_branch: "main",
    source_project_id: 6,
    target_project_id: 5,
    source: { ...glProject, path_with_namespace: "eve/web", git_http_url: "https://gitlab.example/eve/web.git" },
    target: glProject,
    last_commit: { ...glCommit(9), author: { name: "Eve", email: "eve@example.org" } },
    ...attributes,
  },
  ...more,
});

export const giteaRepo = {
  id: 3,
  name: "web",
  full_name: "acme/web",
  html_url: "https://gitea.example/acme/web",
  ssh_url: "git@gitea.example:acme/web.git",
  clone_url: "https://gitea.example/acme/web.git",
  owner: { id: 1, login: "acme", username: "acme", full_name: "", email: "acme@example.org" },
};
const giteaUser = { id: 2, login: "ada", username: "ada", full_name: "Ada", email: ada.email };

export const giteaPush = (more: Fields = {}) => ({
  ref: "refs/heads/main",
  before: sha("a"),
  after: sha(2),
  total_commits: 2,
  // Newest first.
  commits: [ghCommit(2), ghCommit(1)],
  head_commit: ghCommit(2),
  repository: giteaRepo,
  pusher: giteaUser,
  sender: giteaUser,
  ...more,
});

export const giteaPull = (more: Fields = {}, pull: Fields = {}) => ({
  action: "opened",
  number: 42,
  repository: giteaRepo,
  sender: giteaUser,
  pull_request: {
    id: 77,
    number: 42,
    title: "Faster start",
    body: "It was slow.",
    html_url: "https://gitea.example/acme/web/pulls/42",
    user: giteaUser,
    labels: [{ id: 1, name: "speed" }],
    merged: false,
    mergeable: false,
    draft: true,
    updated_at: "2026-03-04T05:06:07Z",
    head: { label: "faster", ref: "faster", sha: sha(9), repo_id: 3, repo: giteaRepo },
    base: { label: "main", ref: "main", sha: sha("a"), repo_id: 3, repo: giteaRepo },
    ...pull,
  },
  ...more,
});

const cloudActor = { type: "user", display_name: "Ada", nickname: "ada", uuid: "{1}" };
const cloudRepo = {
  type: "repository",
  name: "web",
  full_name: "acme/web",
  project: { key: "WEB", name: "Web" },
  links: {
    self: { href: "https://api.bitbucket.example/2.0/repositories/acme/web" },
    html: { href: "https://bitbucket.example/acme/web" },
  },
};
const cloudTarget = (n: number, message = `commit ${n}\n`) => ({
  type: "commit",
  hash: sha(n),
  message,
  date: "2026-03-04T05:06:07+00:00",
  author: { type: "author", raw: "Ada <ada@example.org>" },
});
export const cloudBranch = (name: string, n: number, message?: string) => ({
  type: "branch",
  name,
  target: cloudTarget(n, message),
});

export const cloudPush = (changes: Fields[]) => ({
  actor: cloudActor,
  repository: cloudRepo,
  push: { changes: changes.map((change) => ({ forced: false, truncated: false, commits: [], ...change })) },
});

export const cloudPull = (pull: Fields = {}) => ({
  actor: cloudActor,
  repository: cloudRepo,
  pullrequest: {
    type: "pullrequest",
    id: 42,
    title: "Faster start",
    description: "It was slow.",
    state: "OPEN",
    author: { display_name: "Eve", nickname: "eve" },
    updated_on: "2026-03-04T05:06:07+00:00",
    source: {
      branch: { name: "faster" },
      commit: { type: "commit", hash: sha(9).slice(0, 12) },
      repository: { full_name: "eve/web", links: { html: { href: "https://bitbucket.example/eve/web" } } },
    },
    destination: {
      branch: { name: "main" },
      commit: { type: "commit", hash: sha("a").slice(0, 12) },
      repository: { full_name: "acme/web", links: { html: { href: "https://bitbucket.example/acme/web" } } },
    },
    links: { html: { href: "https://bitbucket.example/acme/web/pull-requests/42" } },
    ...pull,
  },
});

const serverActor = { name: "ada", emailAddress: ada.email, id: 1, displayName: "Ada", active: true, slug: "ada" };
const serverRepo = (key = "WEB") => ({
  slug: "web",
  id: 84,
  name: "web",
  scmId: "git",
  project: { key, id: 84, name: key === "WEB" ? "Web" : key },
  links: { self: [{ href: `https://bitbucket.example/projects/${key}/repos/web/browse` }] },
});

export const serverChange = (name: string, n: number, type = "UPDATE", kind = "heads") => ({
  ref: { id: `refs/${kind}/${name}`, displayId: name, type: kind === "tags" ? "TAG" : "BRANCH" },
  refId: `refs/${kind}/${name}`,
  fromHash: type === "ADD" ? none : sha("a"),
  toHash: type === "DELETE" ? none : sha(n),
  type,
});

export const serverPush = (changes: Fields[], more: Fields = {}) => ({
  eventKey: "repo:refs_changed",
  date: "2026-03-04T05:06:07+0000",
  actor: serverActor,
  repository: serverRepo(),
  changes,
  ...more,
});

export const serverPull = (event: string, pull: Fields = {}) => ({
  eventKey: event,
  date: "2026-03-04T05:06:07+0000",
  actor: serverActor,
  pullRequest: {
    id: 42,
    version: 0,
    title: "Faster start",
    description: "It was slow.",
    state: "OPEN",
    open: true,
    createdDate: 1772600767000,
    updatedDate: 1772600767000,
    fromRef: { id: "refs/heads/faster", displayId: "faster", latestCommit: sha(9), repository: serverRepo("~eve") },
    toRef: { id: "refs/heads/main", displayId: "main", latestCommit: sha("a"), repository: serverRepo() },
    author: { user: { name: "eve", emailAddress: "eve@example.org", displayName: "Eve" }, role: "AUTHOR" },
    links: { self: [{ href: "https://bitbucket.example/projects/WEB/repos/web/pull-requests/42" }] },
    ...pull,
  },
});

const gerritUser = { name: "Ada", email: ada.email, username: "ada" };

export const gerritPatchSet = (more: Fields = {}) => ({
  type: "patchset-created",
  eventCreatedOn: 1772600767,
  uploader: gerritUser,
  project: { name: "acme/web" },
  refName: "refs/heads/main",
  changeKey: { key: `I${sha(9)}` },
  change: {
    project: "acme/web",
    branch: "main",
    id: `I${sha(9)}`,
    number: 42,
    subject: "Faster start",
    commitMessage: "Faster start\n\nIt was slow.\n",
    url: "https://gerrit.example/c/acme/web/+/42",
    owner: gerritUser,
    status: "NEW",
  },
  patchSet: {
    number: 3,
    revision: sha(9),
    parents: [sha("a")],
    ref: "refs/changes/42/42/3",
    kind: "REWORK",
    author: gerritUser,
    uploader: gerritUser,
  },
  ...more,
});

export const gerritRefUpdated = (refUpdate: Fields = {}) => ({
  type: "ref-updated",
  eventCreatedOn: 1772600767,
  submitter: gerritUser,
  refUpdate: { oldRev: sha("a"), newRev: sha(2), refName: "refs/heads/main", project: "acme/web", ...refUpdate },
});

export { none };
