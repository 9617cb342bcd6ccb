import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { isRefName } from "./ref-names.ts";
import { hideCredentials, holdsCredentials, listSecretTexts, parseRepository } from "./repository-url.ts";

describe("the name of a ref", () => {
  it("is what git takes for one", () => {
    const pieces = [
      "a",
      "b.c",
      "ü",
      "🦆",
      "..",
      ".",
      "/",
      "-",
      "@",
      "@{",
      "{",
      "~",
      "^",
      ":",
      "?",
      "*",
      "[",
      "]",
      "\\",
      " ",
      "\t",
      "\u007f",
      ".lock",
      "+",
    ];
    const names = [...pieces, ...pieces.flatMap((one) => [`a${one}`, `${one}a`, `a${one}b`, `a/${one}`, `${one}/a`])];
    const disagreed = names.filter((name) => {
      let accepted = true;
      try {
        execFileSync("git", ["check-ref-format", `refs/heads/${name}`], { stdio: "ignore" });
      } catch {
        accepted = false;
      }
      // Git allows a ref, but no branch, to begin with "-"; "@" alone is HEAD.
      return isRefName(name) !== (accepted && !name.startsWith("-") && name !== "@");
    });
    expect(disagreed).toEqual([]);
    expect(["", "a\u0000b", "a\ud800"].map(isRefName)).toEqual([false, false, false]);
  });
});

describe("the credentials of a URL", () => {
  it.each([
    ["https://user:pass@host/r.git", "https://host/r.git", ["pass"]],
    ["https://token-1234@host/r.git", "https://host/r.git", ["token-1234"]],
    ["https://token-1234:x-oauth-basic@host/r", "https://host/r", ["token-1234"]],
    ["HTTPS://u:p%40ss%2F1@host:8443/r", "HTTPS://host:8443/r", ["p@ss/1", "p%40ss%2F1"]],
    ["https://u:a@b@host/r", "https://host/r", ["a@b"]],
    ["http://u:%zz1@host/r", "http://host/r", ["%zz1", "%25zz1"]],
    ["https://host/a@b", "https://host/a@b", undefined],
    ["ssh://git@host/r.git", "ssh://git@host/r.git", undefined],
    ["ssh://git:pass@host/r.git", "ssh://git@host/r.git", undefined],
    ["git@host:owner/r.git", "git@host:owner/r.git", undefined],
    ["/some/path@1", "/some/path@1", undefined],
  ])("of %s are apart from its address", (url, address, secrets) => {
    const parsed = parseRepository(url);
    expect(parsed.address).toBe(address);
    const found = parsed.credentials && listSecretTexts(parsed.credentials);
    if (secrets === undefined) expect(found).toBeUndefined();
    else expect(found).toEqual(expect.arrayContaining(secrets.filter((text) => text.length >= 4)));
    expect(hideCredentials(`fatal: unable to access '${url}'`)).toBe(`fatal: unable to access '${address}'`);
    expect(holdsCredentials(url)).toBe(url !== address);
  });
});
