import { describe, expect, it } from "vitest";
import { describeProblem, secretsOf } from "./hide-secrets.ts";

describe("what a reporter says of a failure", () => {
  it.each([
    ["a token", { token: "t0ken-of-it" }, "t0ken-of-it"],
    ["a password within options", { smtp: { user: "ci", password: "pa ss" } }, "pa ss"],
    ["a password in a URL's form", { password: "pa ss" }, "pa%20ss"],
    ["a login in a header", { user: "ci", password: "pass" }, Buffer.from("ci:pass").toString("base64")],
    ["a private key", { app: { privateKey: "PRIVATE KEY xyz" } }, "PRIVATE KEY xyz"],
    ["a header", { headers: { "x-any": "value-of-it" } }, "value-of-it"],
    ["the path of a webhook", { url: "https://hooks.example.org/services/T0/B0/abcdef" }, "/services/T0/B0/abcdef"],
    [
      "a part of a webhook alone",
      { url: "https://hooks.example.org/services/T0B1C2D3E/abcdefghij012345" },
      "T0B1C2D3E",
    ],
    [
      "the last part of it",
      { url: "https://hooks.example.org/services/T0B1C2D3E/abcdefghij012345" },
      "abcdefghij012345",
    ],
    ["a part as the server reads it", { url: "https://hooks.example.org/in/abc%2Fdef012345678" }, "abc/def012345678"],
    ["what a query has", { url: "https://hooks.example.org/?sig=q9w8e7r6&v=1" }, "q9w8e7r6"],
    ["a login in a URL", { apiUrl: "https://ann:geheim@forge.example.org/" }, "geheim"],
    ["a header of any target", {}, "Bearer abcdefghijk"],
  ])("hides %s", (_, options, secret) => {
    const problem = describeProblem(`the server says "${secret}" is wrong`, secretsOf(options));
    expect(problem).not.toContain(secret);
    expect(problem).toMatch(/^the server says ".*….*" is wrong$/);
  });

  it("shows all else, in one line of bounded length", () => {
    const options = { name: "s", url: "https://forge.example.org/api/v3", token: "no" };
    expect(describeProblem("forge.example.org/api/v3:\n no answer ", secretsOf(options))).toBe(
      "forge.example.org/api/v3: no answer",
    );
    expect(describeProblem("x".repeat(5000), [])).toHaveLength(1000);
  });
});
