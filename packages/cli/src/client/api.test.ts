import type { Clock } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { createApi } from "./api.ts";

type Answer = Error | { status: number; body: unknown };

/** Answers in order; the last one for ever. Time passes only by sleeping. */
function world(answers: readonly Answer[], retryForMs = 10_000, token = "secret") {
  const requests: { url: string; method: string; authorization: string | null }[] = [];
  const states: string[] = [];
  let now = 0;
  const clock: Clock = {
    now: () => now,
    after: () => ({ cancel() {} }),
    sleep: async (ms) => {
      now += ms;
    },
  };
  const api = createApi({
    server: { url: "http://ci/base/", token: token === "" ? undefined : token },
    retryForMs,
    clock,
    onConnection: (state) => states.push(state),
    async fetch(url, init) {
      const headers = new Headers(init?.headers);
      requests.push({ url: String(url), method: init?.method ?? "GET", authorization: headers.get("authorization") });
      const answer = answers[Math.min(requests.length, answers.length) - 1] as Answer;
      if (answer instanceof Error) throw answer;
      return new Response(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body), answer);
    },
  });
  return { api, requests, states };
}

const failed = (code: string) => new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code }) });
const refused = failed("ECONNREFUSED");
const reset = failed("ECONNRESET");
const builds = { status: 200, body: { builds: [{ buildid: 1 }], meta: { total: 7 } } };

describe("a ui master that is asked", () => {
  it("is shown the token", async () => {
    const { api, requests } = world([builds]);
    expect(await api.list("builds", "builds", { limit: 1 })).toEqual({ items: [{ buildid: 1 }], total: 7 });
    expect(requests).toEqual([
      { url: "http://ci/base/api/v2/builds?limit=1", method: "GET", authorization: "Bearer secret" },
    ]);
  });

  it("is asked again while it is away or leaving", async () => {
    const { api, requests, states } = world([refused, { status: 503, body: "stopping" }, builds]);
    expect((await api.list("builds", "builds")).total).toBe(7);
    expect(requests).toHaveLength(3);
    expect(states).toEqual(["lost", "back"]);
  });

  it("fails when the time for retries is over", async () => {
    const { api, requests } = world([refused]);
    await expect(api.list("builds", "builds")).rejects.toMatchObject({
      code: "UI_UNREACHABLE",
      exitCode: 3,
      message: "No ui master answers at http://ci/base/: the connection is refused.",
    });
    expect(requests.length).toBeGreaterThan(2);
  });

  it("calls a method once only: without an answer, the outcome is unknown", async () => {
    for (const answer of [reset, { status: 503, body: "stopping" }]) {
      const { api, requests } = world([answer, { status: 200, body: { result: null } }]);
      await expect(api.call("builds", "builds/1", "stop", {})).rejects.toMatchObject({ code: "UI_UNREACHABLE" });
      expect(requests).toHaveLength(1);
    }
    expect(
      await world([refused, { status: 200, body: { result: null } }]).api.call("builds", "builds/1", "stop", {}),
    ).toBeNull();
  });

  it.each([
    ["UI_REFUSED", 400, { error: { code: -32602, message: "no" } }, "The ui master refused the request: no"],
    [
      "FIELDS_REFUSED",
      400,
      { error: { message: { branch: "missing", code: "code: no int" } } },
      /\n {2}branch: missing\n {2}code: no int$/,
    ],
    ["NOT_FOUND", 404, { error: { message: "There is none." } }, "There is none."],
    ["TOKEN_NEEDED", 401, { error: "who?" }, /did not authenticate this command; give a valid API token/],
    ["UI_REFUSED", 403, { error: { message: "You may not." } }, "The ui master refused the request: You may not."],
    ["NO_UI_THERE", 200, "<html>", /is not a ui master \(status 200, no JSON\)/],
  ] as const)("says %s", async (code, status, body, message) => {
    const { api } = world([{ status, body }]);
    await expect(api.call("builds", "builds/1", "stop", {})).rejects.toMatchObject({ code });
    await expect(api.call("builds", "builds/1", "stop", {})).rejects.toThrow(message);
  });

  it("sends the bytes of an artifact, or says in its sentence why not", async () => {
    const artifact = { artifactid: 7, name: "doc/a b.txt" };
    const { api, requests } = world([
      { status: 200, body: "bytes" },
      { status: 404, body: { error: "There is no artifact at 7." } },
      { status: 502, body: "<html>bad gateway</html>" },
    ]);
    expect(await new Response(await api.download(artifact)).text()).toBe("bytes");
    expect(requests[0]?.url).toBe("http://ci/base/artifacts/7/doc/a%20b.txt");
    await expect(api.download(artifact)).rejects.toThrow(/^There is no artifact at 7\.$/);
    await expect(api.download(artifact)).rejects.toThrow(/bad gateway/);
  });

  it("asks for a token where one without any is refused", async () => {
    const { api } = world([{ status: 403, body: { error: "You may not; log in first." } }], 0, "");
    await expect(api.call("builds", "builds/1", "stop", {})).rejects.toMatchObject({ code: "TOKEN_NEEDED" });
  });
});
