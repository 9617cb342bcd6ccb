import { afterEach, describe, expect, it, vi } from "vitest";
import { passedEnvironment, resolveEnvironment } from "./environment.ts";

describe("the environment of a command", () => {
  const own = { HOME: "/home/w", PATH: "/bin", PYTHONPATH: "/site" };

  it("is the worker's own and PWD when nothing is asked for", () => {
    expect(resolveEnvironment(own, null, "/w")).toEqual({ ...own, PWD: "/w" });
  });

  it("removes, joins, prepends and expands in one pass", () => {
    const requested = {
      HOME: null,
      PATH: ["/opt/bin", "${PATH}"],
      PYTHONPATH: "/mine",
      A: "${HOME}-${NONE}-${A}-$HOME",
    };
    expect(resolveEnvironment(own, requested, "/w")).toEqual({
      PATH: "/opt/bin:/bin",
      PYTHONPATH: "/mine:/site",
      A: "/home/w---$HOME",
      PWD: "/w",
    });
  });

  it("has the command's directory as PWD whatever was asked for", () => {
    expect(resolveEnvironment(own, { PWD: "/else" }, "/w")["PWD"]).toBe("/w");
  });
});

describe("what commands get of the environment of their worker", () => {
  afterEach(() => void vi.unstubAllEnvs());
  const secrets = {
    DATABASE_URL: "postgresql://ci:pw@db/ci",
    AWS_SECRET_ACCESS_KEY: "k",
    REPOSITORY: "https://bot:glpat-x@git.example/r.git",
    SMTP_PASS: "p",
    OPENAI_APIKEY: "k",
    REDIS_URL: "redis://:p@h",
    SLACK_WEBHOOK_URL: "https://hooks.example/x",
    SSH_AUTH_SOCK: "/tmp/agent",
    MULTIMASTER_TOKEN: "t",
    PGPASSWORD: "p",
    http_proxy: "http://u:p@proxy",
    NODE_OPTIONS: "--require /x",
    LD_PRELOAD: "/x.so",
    GIT_ASKPASS: "/x",
    PATH_TO_KEY: "/x",
    HOMEBREW_GITHUB_API_TOKEN: "t",
    XLC_ALL: "t",
  };

  it("is what is plain, and nothing that no one named", () => {
    for (const [name, value] of Object.entries({ ...secrets, LC_ALL: "C.UTF-8", TZ: "UTC", TERM: "dumb" }))
      vi.stubEnv(name, value);
    const passed = passedEnvironment();
    expect(passed).toMatchObject({ PATH: process.env["PATH"], LC_ALL: "C.UTF-8", TZ: "UTC", TERM: "dumb" });
    expect(Object.keys(secrets).filter((name) => name in passed)).toEqual([]);
  });

  it("is also what the config names, by its name or its beginning", () => {
    for (const [name, value] of Object.entries(secrets)) vi.stubEnv(name, value);
    const passed = passedEnvironment(["REPOSITORY", "SM*", "http_prox"]);
    expect(Object.keys(secrets).filter((name) => name in passed)).toEqual(["REPOSITORY", "SMTP_PASS"]);
  });
});
