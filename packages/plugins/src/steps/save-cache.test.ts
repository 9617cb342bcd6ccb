import { descriptorOf } from "@multimaster/config";
import { describe, expect, it } from "vitest";
import saveCache from "./save-cache.ts";

const { plugin } = saveCache({ key: "k", paths: ["x"] });

/** What is wrong with these paths in a config. */
function problems(...paths: string[]): string[] {
  const parsed = descriptorOf("step").safeParse({ plugin, options: { key: "k", paths } });
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.slice(-2).join(" ")}: ${message}`);
}

describe("the paths of saveCache", () => {
  it("are below workdir, whatever they look like", () => {
    expect(problems(".", "node_modules", "..a", "a..b", "a/...", "a~", ".m2/repository")).toEqual([]);
  });

  it.each([
    "..",
    "../a",
    "a/../../b",
    "a/..",
    "a\\..\\b",
    "/",
    "/var/cache",
    "\\\\server\\share",
    "~",
    "~/.m2",
    "~me/x",
    "C:\\x",
    "c:x",
  ])("%s is refused with its place and what would be right", (path) => {
    const [problem, ...more] = problems("node_modules", path);
    expect(problem).toContain("paths 1: ");
    expect(problem).toContain('must be a path below workdir: not absolute, without "..", and no shell expands "~"');
    expect(more).toEqual([]);
  });

  it("are no options of tar", () => {
    expect(problems("--checkpoint-action=exec=sh")[0]).toContain('must not begin with "-"');
  });
});
