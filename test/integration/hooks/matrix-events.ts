import * as p from "../../harness/hook-payloads.ts";

const { sha, none } = p;
type Fields = Record<string, unknown>;

/** One thing that happens at a forge, as its webhook reports it. */
export interface ForgeEvent {
  event: string;
  payload: Fields;
}

/** What happens, at whatever forge. */
export const happenings = [
  "push",
  "new branch",
  "force push",
  "branch deletion",
  "tag",
  "own pull request",
  "new commits of an own pull request",
  "pull request of a fork",
  "pull request of a fork's branch main",
  "pull request of a deleted fork",
  "pull request of a deleted branch",
  "closed pull request",
  "merged pull request",
  "approved pull request",
] as const;
export type Happening = (typeof happenings)[number];

export type Events = Readonly<Record<Happening, ForgeEvent>>;

const ghRepo = p.ghPush().repository;
const gh = (payload: Fields, event = "pull_request"): ForgeEvent => ({ event, payload });
const ghOwn = { head: { ref: "faster", sha: sha(9), repo: ghRepo } };
const github: Events = {
  push: gh(p.ghPush({ commits: [p.ghCommit(1)] }), "push"),
  "new branch": gh(p.ghPush({ ref: "refs/heads/new", created: true }), "push"),
  "force push": gh(p.ghPush({ forced: true, commits: [], head_commit: p.ghCommit(4) }), "push"),
  "branch deletion": gh(p.ghPush({ deleted: true, after: none, commits: [], head_commit: null }), "push"),
  tag: gh(p.ghPush({ ref: "refs/tags/v1", commits: [p.ghCommit(1)] }), "push"),
  "own pull request": gh(p.ghPull({}, ghOwn)),
  "new commits of an own pull request": gh(p.ghPull({ action: "synchronize" }, ghOwn)),
  "pull request of a fork": gh(p.ghPull()),
  "pull request of a fork's branch main": gh(
    p.ghPull({}, { head: { ref: "main", sha: sha(9), repo: { ...ghRepo, full_name: "eve/web" } } }),
  ),
  "pull request of a deleted fork": gh(p.ghPull({}, { head: { ref: "faster", sha: sha(9), repo: null } })),
  "pull request of a deleted branch": gh(
    p.ghPull({ action: "closed" }, { head: { ref: null, sha: null, repo: null } }),
  ),
  "closed pull request": gh(p.ghPull({ action: "closed" })),
  "merged pull request": gh(p.ghPull({ action: "closed" }, { ...ghOwn, merged: true })),
  "approved pull request": gh(
    { ...p.ghPull({ action: "submitted" }), review: { state: "approved" } },
    "pull_request_review",
  ),
};

const gl = (payload: Fields, event = "Merge Request Hook"): ForgeEvent => ({ event, payload });
const glOwn = { source_project_id: 5, source: p.glMerge().object_attributes.target };
const gitlab: Events = {
  push: gl(p.glPush({ commits: [p.glCommit(2)] }), "Push Hook"),
  "new branch": gl(p.glPush({ ref: "refs/heads/new", before: none, commits: [] }), "Push Hook"),
  "force push": gl(p.glPush({ commits: [], after: sha(4), checkout_sha: sha(4) }), "Push Hook"),
  "branch deletion": gl(p.glPush({ after: none, checkout_sha: null, commits: [] }), "Push Hook"),
  tag: gl(p.glPush({ object_kind: "tag_push", ref: "refs/tags/v1", commits: [p.glCommit(2)] }), "Tag Push Hook"),
  "own pull request": gl(p.glMerge(glOwn)),
  "new commits of an own pull request": gl(p.glMerge({ ...glOwn, action: "update", oldrev: sha(8) })),
  "pull request of a fork": gl(p.glMerge()),
  "pull request of a fork's branch main": gl(p.glMerge({ source_branch: "main" })),
  "pull request of a deleted fork": gl(p.glMerge({ source: null })),
  "pull request of a deleted branch": gl(p.glMerge({ ...glOwn, last_commit: null })),
  "closed pull request": gl(p.glMerge({ state: "closed", action: "close", source: null, last_commit: null })),
  "merged pull request": gl(p.glMerge({ ...glOwn, state: "merged", action: "merge" })),
  "approved pull request": gl(p.glMerge({ action: "approved", source: null, last_commit: null })),
};

const gt = (payload: Fields, event = "pull_request"): ForgeEvent => ({ event, payload });
const giteaRepo = p.giteaPush().repository;
const giteaFork = { ref: "faster", sha: sha(9), repo_id: 4, repo: { ...giteaRepo, id: 4, full_name: "eve/web" } };
const gitea: Events = {
  push: gt(p.giteaPush({ commits: [p.ghCommit(2)] }), "push"),
  "new branch": gt(p.giteaPush({ ref: "refs/heads/new", commits: [], head_commit: null }), "push"),
  "force push": gt(p.giteaPush({ commits: [], head_commit: null, after: sha(4) }), "push"),
  "branch deletion": gt(p.giteaPush({ after: none, commits: [], head_commit: null }), "push"),
  tag: gt(p.giteaPush({ ref: "refs/tags/v1", commits: [p.ghCommit(2)] }), "push"),
  "own pull request": gt(p.giteaPull()),
  "new commits of an own pull request": gt(p.giteaPull({ action: "synchronized" }), "pull_request_sync"),
  "pull request of a fork": gt(p.giteaPull({}, { head: giteaFork })),
  "pull request of a fork's branch main": gt(p.giteaPull({}, { head: { ...giteaFork, ref: "main" } })),
  "pull request of a deleted fork": gt(p.giteaPull({}, { head: { ref: "faster", sha: sha(9), repo: null } })),
  "pull request of a deleted branch": gt(
    p.giteaPull({ action: "closed" }, { head: { ref: null, sha: null, repo: null } }),
  ),
  "closed pull request": gt(p.giteaPull({ action: "closed" })),
  "merged pull request": gt(p.giteaPull({ action: "closed" }, { merged: true })),
  "approved pull request": gt(p.giteaPull({ action: "reviewed" }), "pull_request_approved"),
};

const bc = (what: string, payload: Fields): ForgeEvent => ({ event: what, payload });
const bcPushed = (moved: Fields) => bc("repo:push", p.cloudPush([moved]));
const cloudOwn = {
  branch: { name: "faster" },
  commit: { hash: sha(9) },
  repository: p.cloudPush([]).repository,
};
const cloudFork = p.cloudPull().pullrequest.source;
const bitbucketcloud: Events = {
  push: bcPushed({ new: p.cloudBranch("main", 1), old: p.cloudBranch("main", 0) }),
  "new branch": bcPushed({ new: p.cloudBranch("new", 2), old: null, created: true }),
  "force push": bcPushed({ new: p.cloudBranch("main", 4), old: p.cloudBranch("main", 5), forced: true }),
  "branch deletion": bcPushed({ new: null, old: p.cloudBranch("main", 3), closed: true }),
  tag: bcPushed({ new: { ...p.cloudBranch("v1", 2), type: "tag" }, old: null }),
  "own pull request": bc("pullrequest:created", p.cloudPull({ source: cloudOwn })),
  "new commits of an own pull request": bc("pullrequest:updated", p.cloudPull({ source: cloudOwn })),
  "pull request of a fork": bc("pullrequest:created", p.cloudPull()),
  "pull request of a fork's branch main": bc(
    "pullrequest:created",
    p.cloudPull({ source: { ...cloudFork, branch: { name: "main" } } }),
  ),
  "pull request of a deleted fork": bc(
    "pullrequest:created",
    p.cloudPull({ source: { ...cloudFork, repository: null } }),
  ),
  "pull request of a deleted branch": bc("pullrequest:updated", p.cloudPull({ source: { ...cloudOwn, commit: null } })),
  "closed pull request": bc(
    "pullrequest:rejected",
    p.cloudPull({ source: { ...cloudFork, branch: { name: "main" } } }),
  ),
  "merged pull request": bc("pullrequest:fulfilled", p.cloudPull({ source: null })),
  "approved pull request": bc("pullrequest:approved", p.cloudPull({ source: null })),
};

const bsPushed = (...moved: Fields[]) => bc("repo:refs_changed", p.serverPush(moved));
const bsPull = (event: string, pull: Fields = {}) => bc(event, p.serverPull(event, pull));
const { fromRef: serverFork, toRef } = p.serverPull("").pullRequest;
const serverOwn = { ...serverFork, repository: toRef.repository };
const bitbucketserver: Events = {
  push: bsPushed(p.serverChange("main", 1)),
  "new branch": bsPushed(p.serverChange("new", 2, "ADD")),
  "force push": bsPushed(p.serverChange("main", 4)),
  "branch deletion": bsPushed(p.serverChange("main", 0, "DELETE")),
  tag: bsPushed(p.serverChange("v1", 2, "ADD", "tags")),
  "own pull request": bsPull("pr:opened", { fromRef: serverOwn }),
  "new commits of an own pull request": bsPull("pr:from_ref_updated", { fromRef: serverOwn }),
  "pull request of a fork": bsPull("pr:opened"),
  "pull request of a fork's branch main": bsPull("pr:opened", { fromRef: { ...serverFork, displayId: "main" } }),
  "pull request of a deleted fork": bsPull("pr:opened", { fromRef: { ...serverFork, repository: null } }),
  "pull request of a deleted branch": bsPull("pr:opened", { fromRef: { ...serverOwn, latestCommit: null } }),
  "closed pull request": bsPull("pr:declined", { fromRef: { ...serverFork, displayId: "main" } }),
  "merged pull request": bsPull("pr:merged", { fromRef: null }),
  "approved pull request": bsPull("pr:reviewer:approved", { fromRef: null }),
};

const ger = (payload: Fields): ForgeEvent => ({ event: "", payload });
const gerrit: Events = {
  push: ger(p.gerritRefUpdated({ newRev: sha(1) })),
  "new branch": ger(p.gerritRefUpdated({ refName: "new", oldRev: none })),
  "force push": ger(p.gerritRefUpdated({ newRev: sha(4) })),
  "branch deletion": ger(p.gerritRefUpdated({ newRev: none })),
  tag: ger(p.gerritRefUpdated({ refName: "refs/tags/v1" })),
  // Gerrit does not distinguish pull requests of its own repository: every user who may upload may send one.
  "own pull request": ger(p.gerritPatchSet()),
  "new commits of an own pull request": ger(p.gerritPatchSet()),
  "pull request of a fork": ger(p.gerritPatchSet()),
  "pull request of a fork's branch main": ger(p.gerritPatchSet()),
  "pull request of a deleted fork": ger(p.gerritPatchSet({ uploader: null })),
  "pull request of a deleted branch": ger({ ...p.gerritPatchSet({ type: "change-deleted" }), patchSet: null }),
  "closed pull request": ger({ ...p.gerritPatchSet({ type: "change-abandoned" }), patchSet: null }),
  "merged pull request": ger(p.gerritPatchSet({ type: "change-merged", newRev: sha(7) })),
  "approved pull request": ger(p.gerritPatchSet({ type: "vote-deleted" })),
};

export const matrix = { github, gitlab, gitea, bitbucketcloud, bitbucketserver, gerrit };
