import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { listFiles, readSource } from "./source-files.ts";

const pages = listFiles().filter((file) => /^(README\.md|docs\/.*\.md|test\/README\.md|roles\/.*\.md)$/.test(file));

/** Paths of the repository that a page names in backticks. */
function namedPaths(page: string): string[] {
  return [...readSource(page).matchAll(/`((?:packages|roles|test|configs|docs)\/[\w./-]+)`/g)].map(
    ([, path]) => path as string,
  );
}

/** Files that a page links to, without the part after "#". */
function linkedFiles(page: string): string[] {
  const links = [...readSource(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link as string);
  return links
    .filter((link) => !/^(https?:|mailto:|#|<)/.test(link))
    .map((link) => normalize(join(dirname(page), link.replace(/#.*$/, ""))));
}

describe("the pages", () => {
  it.each(["docs/architecture.md", "docs/CONTRIBUTING.md"])("%s names only paths that exist", (page) => {
    const named = namedPaths(page).filter((path) => !path.includes("<"));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });

  it("link only to files that exist", () => {
    const broken = pages.flatMap((page) =>
      linkedFiles(page)
        .filter((path) => !existsSync(path))
        .map((path) => `${page}: ${path}`),
    );
    expect(broken).toEqual([]);
  });

  it("are all in the index", () => {
    const indexed = new Set(linkedFiles("docs/README.md"));
    const missing = pages.filter(
      (page) => /^docs\/[^/]+\.md$/.test(page) && page !== "docs/README.md" && !indexed.has(page),
    );
    expect(missing).toEqual([]);
    expect([...indexed].filter((path) => existsSync(path) && statSync(path).isDirectory())).toEqual(["docs/decisions"]);
  });
});
