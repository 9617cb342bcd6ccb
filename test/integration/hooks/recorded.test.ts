import { readFileSync } from "node:fs";
import bitbucketcloud from "@multimaster/plugins/hooks/bitbucketcloud";
import bitbucketserver from "@multimaster/plugins/hooks/bitbucketserver";
import github from "@multimaster/plugins/hooks/github";
import gitlab from "@multimaster/plugins/hooks/gitlab";
import { beforeAll, describe, expect, it } from "vitest";
import { type RestChange, readChanges, startHookServer } from "../../harness/deliver-hook.ts";
import type { RestServer } from "../../harness/rest-server.ts";
import { newDatabase } from "../../harness/test-databases.ts";
import { startGitHubApi } from "./github-api.ts";

/** A post to a real Buildbot 4.3.0 master, and the changes that came of it, newest first. */
interface Recording {
  label: string;
  path: string;
  headers: Record<string, string>;
  payload: Record<string, unknown>;
  status: number;
  reply: string;
  changes: RestChange[];
}

const recordings: Recording[] = readFileSync(new URL("../../fixtures/hooks/buildbot.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

/** Where we do something else, and why. */
const different: Record<string, { changes?: (changes: RestChange[]) => RestChange[] }> = {
  // An event that concerns no one is no mistake of the forge's.
  "github status (unknown)": {},
  "bbserver unknown": {},
  // A branch that is gone cannot be built.
  "bbserver refs_changed": { changes: (changes) => changes.filter(({ category }) => category !== "ref-deleted") },
  // What was merged is the branch that it went to: the recorded hash is the head of what was to be merged.
  "bbserver PR fulfilled": { changes: (changes) => changes.map((change) => ({ ...change, revision: null })) },
  // A declined pull request is never a change of a branch that could be the repository's own.
  "bbserver PR rejected": {
    changes: (changes) => changes.map((change) => ({ ...change, branch: "refs/pull-requests/11/from" })),
  },
  // Where the repository can be cloned from, instead of its address in the API.
  "bbcloud push": {
    changes: (changes) => changes.map((change) => ({ ...change, repository: "https://bc.example/r" })),
  },
};

const compared = ["author", "branch", "category", "codebase", "comments", "committer"] as const;
const comparedToo = ["project", "repository", "revision", "revlink"] as const;

describe("what Buildbot made changes of becomes the same changes:", () => {
  let server: RestServer;
  beforeAll(async () => {
    const files = [{ filename: "src/new.c", previous_filename: "src/old.c" }, { filename: "README" }];
    const { url: apiUrl } = await startGitHubApi({ files, message: "msg" });
    const pullRequestEvents = ["created", "updated", "fulfilled", "rejected"] as const;
    server = await startHookServer(await newDatabase("sqlite"), {
      hooks: [
        github({ secret: "s", strict: false, token: "t", apiUrl, forks: true }),
        gitlab({ secret: "tok", forks: true, pullRequestRef: "target" }),
        bitbucketserver({ fullRefs: true, pullRequestEvents: [...pullRequestEvents], forks: true, anybody: true }),
        bitbucketcloud({ fullRefs: true, forks: true, anybody: true }),
      ],
    });
  });

  // Bitbucket Cloud never sent this one: it has the form of the server's.
  it.each(recordings.filter(({ label }) => label !== "bbcloud PR created"))("$label", async (recording) => {
    const before = (await readChanges(server)).length;
    const { "x-hub-signature": _, ...headers } = recording.headers;
    const isForm = headers["content-type"] === "application/x-www-form-urlencoded";
    const json = JSON.stringify(recording.payload);
    const body = isForm ? new URLSearchParams({ payload: json }).toString() : json;
    const response = await fetch(new URL(recording.path, server.url), { method: "POST", headers, body });
    const found = (await readChanges(server)).slice(before);
    const recorded = recording.changes.toReversed();
    const wanted = different[recording.label]?.changes?.(recorded) ?? recorded;
    expect(found.map(pickCompared)).toEqual(wanted.map(pickCompared));
    for (const [i, change] of wanted.entries()) {
      const values = Object.entries(change["properties"]).map(([name, value]) => [name, (value as unknown[])[0]]);
      expect(found[i]?.["properties"]).toMatchObject(Object.fromEntries(values));
    }
    expect(response.status).toBe(found.length > 0 ? 202 : 200);
    expect(await response.text()).toMatch(found.length > 0 ? `${found.length} change found` : /^no change found/);
  });
});

function pickCompared(change: RestChange): RestChange {
  const same = Object.fromEntries([...compared, ...comparedToo].map((name) => [name, change[name]]));
  // Files are a set: neither database keeps their order.
  return { ...same, files: change["files"].toSorted() };
}
