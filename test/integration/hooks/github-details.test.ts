import { uiSlice } from "@multimaster/config";
import github from "@multimaster/plugins/hooks/github";
import { describe, expect, it } from "vitest";
import { deliver, readChanges, secret, startHookServer } from "../../harness/deliver-hook.ts";
import { ghPull, ghPush, sha } from "../../harness/hook-payloads.ts";
import { newDatabase } from "../../harness/test-databases.ts";
import { startGitHubApi } from "./github-api.ts";

const delivery = { forge: "github", event: "pull_request", payload: ghPull(), id: "1" } as const;
const start = async (apiUrl: string) =>
  startHookServer(await newDatabase("sqlite"), { hooks: [github({ secret, token: "t0ken", apiUrl, forks: true })] });

describe("with a token GitHub is asked", () => {
  it("for all files of a pull request, and the message of its newest commit", async () => {
    const files = Array.from({ length: 230 }, (_, n) => ({ filename: `f${n}` }));
    const renamed = { filename: "new.c", previous_filename: "old.c" };
    const api = await startGitHubApi({ files: [...files, renamed], message: "faster" });
    const server = await start(api.url);
    expect((await deliver(server, delivery)).text).toBe("1 change found");
    const [change] = (await server.get("/api/v2/changes/1")).body.changes;
    expect(change.files.toSorted()).toEqual([...files.map((f) => f.filename), "new.c", "old.c"].toSorted());
    expect(api.asked.toSorted()).toEqual([
      `Bearer t0ken /repos/acme/web/commits/${sha(9)}`,
      ...Array(3).fill("Bearer t0ken /repos/acme/web/pulls/42/files"),
    ]);
  });

  it("and a commit that says so is passed over", async () => {
    const api = await startGitHubApi({ files: [], message: "x [skip ci]" });
    const server = await start(api.url);
    expect((await deliver(server, delivery)).text).toBe("no change found: its message says so");
  });

  it("but not for pushes, other actions, forged requests, or what is no name of a repository", async () => {
    const api = await startGitHubApi({ files: [], message: "" });
    const server = await start(api.url);
    const status = async (more: object) => (await deliver(server, { ...delivery, ...more })).status;
    expect(await status({ event: "push", payload: ghPush() })).toBe(202);
    expect(await status({ payload: ghPull({ action: "closed" }) })).toBe(200);
    expect(await status({ signature: "sha256=00" })).toBe(403);
    const repository = (full_name: string) => ghPull({ repository: { full_name, html_url: "x" } });
    for (const name of ["../..", "a/..", "a/b/c", "a/b?x", "a"]) {
      expect([name, await status({ payload: repository(name) })]).toEqual([name, 400]);
    }
    expect(await status({ payload: ghPull({}, { head: { ref: "x", sha: "../../user" } }) })).toBe(400);
    expect(api.asked).toEqual([]);
  });

  it("and nothing is stored when it does not answer", async () => {
    const api = await startGitHubApi({ files: [], message: "", status: 403 });
    const server = await start(api.url);
    expect(await deliver(server, delivery)).toEqual({
      status: 502,
      text: expect.stringMatching(/^GitHub did not answer the query for pulls\/42\/files\S* \(it answered 403\)/),
    });
    expect(await readChanges(server)).toEqual([]);
  });

  it("only by a hook that has a secret, too", () => {
    const { error } = uiSlice.safeParse({ hooks: [github({ token: "t" })] });
    expect(error?.issues.map(({ message }) => message)).toEqual([expect.stringContaining("a token needs a secret")]);
  });
});
