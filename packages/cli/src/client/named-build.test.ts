import { errors } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import type { Api } from "./api.ts";
import { buildPath, findBuild } from "./named-build.ts";

describe("a build", () => {
  it.each([
    ["17", "builds/17"],
    ["web/17", "builders/web/builds/17"],
    ["team/web app/17", "builders/team%2Fweb%20app/builds/17"],
    ["https://ci.example.org/#/builders/3/builds/17", "builders/3/builds/17"],
    ["https://ci.example.org/#/builders/3/builds/17/steps/2?x=1", "builders/3/builds/17"],
    ["http://ci:8010/builders/web/builds/17", "builders/web/builds/17"],
    ["http://ci:8010/api/v2/builds/17", "builds/17"],
    ["http://ci:8010/builders/team%2Fweb/builds/17/logs", "builders/team%2Fweb/builds/17"],
  ])("is named by %s", (text, path) => {
    expect(buildPath(text)).toBe(path);
  });

  it.each(["web", "web/", "/17", "https://ci.example.org/", "https://ci.example.org/#/builders/3"])(
    "is not named by %s",
    (text) => {
      expect(() => buildPath(text)).toThrow(/does not name a build; give its id, BUILDER\/NUMBER, or the URL/);
    },
  );

  it("that is not there is called as the user called it", async () => {
    const one = () => Promise.reject(errors.notFound("There is no build at builders/web/builds/17."));
    await expect(findBuild({ one } as unknown as Api, "web/17")).rejects.toThrow("There is no build web/17.");
  });
});
