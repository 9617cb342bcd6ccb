import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { clientFilePath, findServer, saveProfile } from "./profile.ts";

const home = mkdtempSync(join(tmpdir(), "multimaster-profile-"));
afterAll(() => rmSync(home, { recursive: true }));

/** An environment whose client file holds this. */
function withFile(content: unknown): Record<string, string> {
  const config = mkdtempSync(join(home, "config-"));
  mkdirSync(join(config, "multimaster"));
  writeFileSync(
    join(config, "multimaster", "client.json"),
    typeof content === "string" ? content : JSON.stringify(content),
    { mode: 0o600 },
  );
  return { XDG_CONFIG_HOME: config };
}

const file = {
  url: "https://ci.example.org/base",
  token: "of the file".replaceAll(" ", "-"),
  profiles: { test: { url: "http://test.example.org", token: "of-test" } },
};

describe("which ui master is meant", () => {
  it("is said by the command line, then the environment, then the file", async () => {
    const env = withFile(file);
    expect(await findServer({}, env)).toEqual({ url: "https://ci.example.org/base/", token: "of-the-file" });
    const other = { ...env, MULTIMASTER_URL: "http://other:8010", MULTIMASTER_TOKEN: "of-env" };
    expect(await findServer({}, other)).toEqual({ url: "http://other:8010/", token: "of-env" });
    expect((await findServer({ url: "http://third" }, other)).url).toBe("http://third/");
    expect(await findServer({ profile: "test" }, other)).toEqual({ url: "http://test.example.org/", token: "of-test" });
    expect((await findServer({}, { ...env, MULTIMASTER_PROFILE: "test" })).token).toBe("of-test");
  });

  it("gets no token that was written down for another", async () => {
    const env = withFile(file);
    expect(await findServer({ url: "http://evil" }, env)).toEqual({ url: "http://evil/", token: undefined });
    expect((await findServer({ url: "http://evil", profile: "test" }, env)).token).toBeUndefined();
    expect((await findServer({ url: "https://ci.example.org/base/" }, env)).token).toBe("of-the-file");
  });

  it("gets a token out of a file of its own", async () => {
    const tokenFile = join(home, "token");
    writeFileSync(tokenFile, "secret\n", { mode: 0o600 });
    expect((await findServer({ url: "http://a", tokenFile }, { MULTIMASTER_TOKEN: "other" })).token).toBe("secret");
    writeFileSync(tokenFile, "two tokens");
    await expect(findServer({ url: "http://a", tokenFile }, {})).rejects.toMatchObject({ code: "TOKEN_UNREADABLE" });
  });

  it("gets no token out of a file that others can read", async () => {
    const tokenFile = join(home, "open-token");
    writeFileSync(tokenFile, "secret\n");
    for (const mode of [0o644, 0o640, 0o604, 0o660]) {
      chmodSync(tokenFile, mode);
      await expect(findServer({ url: "http://a", tokenFile }, {})).rejects.toThrow(
        `can read it: chmod 600 ${tokenFile}`,
      );
    }
    chmodSync(tokenFile, 0o400);
    expect((await findServer({ url: "http://a", tokenFile }, {})).token).toBe("secret");
    const env = withFile(file);
    const client = join(env["XDG_CONFIG_HOME"] as string, "multimaster", "client.json");
    chmodSync(client, 0o644);
    await expect(findServer({}, env)).rejects.toThrow(/it contains a token, and .* chmod 600/);
    const open = withFile({ url: "http://a" });
    chmodSync(join(open["XDG_CONFIG_HOME"] as string, "multimaster", "client.json"), 0o644);
    expect((await findServer({}, open)).url).toBe("http://a/");
  });

  it("is said to be missing or wrong in a sentence", async () => {
    const nothing = { XDG_CONFIG_HOME: join(home, "none") };
    await expect(findServer({}, nothing)).rejects.toMatchObject({ code: "NO_UI_URL", exitCode: 2 });
    await expect(findServer({ url: "ci:8010" }, nothing)).rejects.toMatchObject({ code: "UI_URL_INVALID" });
    await expect(findServer({ profile: "x" }, withFile(file))).rejects.toThrow('no profile "x" (have: test)');
    await expect(findServer({}, withFile({ token: 1 }))).rejects.toThrow(/client\.json cannot be used: token: /);
    await expect(findServer({}, withFile("{"))).rejects.toThrow(/it is not JSON/);
  });
});

describe("what a login keeps", () => {
  const own = { url: "https://new.example.org/", token: "new" };

  it("counts for later commands, beside the profiles that were there, and only its owner can read it", async () => {
    const env = withFile(file);
    await saveProfile(clientFilePath(env), undefined, own);
    expect(await findServer({}, env)).toEqual(own);
    expect((await findServer({ profile: "test" }, env)).token).toBe("of-test");
    expect(statSync(clientFilePath(env)).mode & 0o077).toBe(0);
  });

  it("is a profile if it has a name; what counted before still counts", async () => {
    const env = withFile(file);
    await saveProfile(clientFilePath(env), "new", own);
    expect(await findServer({ profile: "new" }, env)).toEqual(own);
    expect((await findServer({}, env)).token).toBe("of-the-file");
  });

  it("makes the directory of the file, and leaves a file as it is that it cannot read", async () => {
    const env = { XDG_CONFIG_HOME: join(home, "not", "there") };
    await saveProfile(clientFilePath(env), undefined, own);
    expect(await findServer({}, env)).toEqual(own);
    const broken = withFile("{ no JSON");
    await expect(saveProfile(clientFilePath(broken), undefined, own)).rejects.toThrow("is not JSON");
    expect(readFileSync(clientFilePath(broken), "utf8")).toBe("{ no JSON");
  });
});
