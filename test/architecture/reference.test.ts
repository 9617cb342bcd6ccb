import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { kinds, pluginFiles, renderReference, undescribed } from "./reference.ts";
import { root } from "./source-files.ts";

describe("the reference", async () => {
  const pages = await renderReference();

  it("has a section for each plugin", () => {
    const missing = kinds.flatMap(([folder]) =>
      pluginFiles(folder).filter((name) => !pages.get(`${folder}.md`)?.includes(`## ${name}\n`)),
    );
    expect(missing).toEqual([]);
  });

  it("describes each option", () => {
    expect(undescribed).toEqual([]);
  });

  it("has the reporters of beginnings that docs/reporters.md names", () => {
    const sections = (pages.get("reporters.md") ?? "").split("\n## ");
    const begin = sections.filter((one) => one.includes('| `["build-started","build-ended"]` |'));
    const docs = readFileSync(join(root, "docs/reporters.md"), "utf8");
    const named = /These also have the beginnings [^:]*: ([^.]*)\./.exec(docs)?.[1]?.match(/[a-z]+(-[a-z]+)+/g) ?? [];
    expect(named.toSorted()).toEqual(begin.map((one) => one.slice(0, one.indexOf("\n"))).toSorted());
  });

  // After a change of an option, write the pages again: npx vitest run --config test/vitest.config.ts test/architecture/reference.test.ts -u
  it.each([...pages.keys()])("is what docs/reference/%s says", async (name) => {
    await expect(pages.get(name)).toMatchFileSnapshot(join(root, "docs/reference", name));
  });
});
