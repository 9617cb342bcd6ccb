import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { pluginFiles } from "./reference.ts";
import { mayImport } from "./rooms.ts";
import { listFiles, readSource } from "./source-files.ts";

const pages = listFiles().filter((file) => /^(README\.md|docs\/.*\.md|test\/README\.md|roles\/.*\.md)$/.test(file));

/** Paths of the repository that a page names in backticks. */
function namedPaths(page: string): string[] {
  return [...readSource(page).matchAll(/`((?:packages|roles|test|configs|docs)\/[\w./-]+)`/g)].map(
    ([, path]) => path as string,
  );
}

/** What a page links to in the repository; `page` itself for a link that is only "#heading". */
function linksOf(page: string): { path: string; heading: string | undefined }[] {
  const links = [...readSource(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link as string);
  return links
    .filter((link) => !/^(https?:|mailto:|<)/.test(link))
    .map((link) => {
      const [path = "", heading] = link.split("#");
      return { path: path === "" ? page : normalize(join(dirname(page), path)), heading };
    });
}

/** The names by which links reach the headings of a page. */
function headingsOf(page: string): string[] {
  const text = readSource(page).replace(/^```[\s\S]*?^```/gm, "");
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Sections of the interface pages that a file cites: `docs/spec/messages.md §4`, or a link to a page followed by `§4, §5`. */
function citationsIn(file: string): { path: string; section: string | undefined }[] {
  const text = readSource(file);
  const named = [...text.matchAll(/(docs\/spec\/[\w-]+\.md)((?:,? §[\d.]*\d)*)/g)];
  const linked = [...text.matchAll(/\]\(([\w./-]+\.md)\)((?:,? §[\d.]*\d)+)/g)].map(
    ([, link = "", sections]) => ["", normalize(join(dirname(file), link)), sections] as const,
  );
  return [...named, ...linked].flatMap(([, path = "", list = ""]) => {
    if (!path.startsWith("docs/spec/")) return [];
    const sections = [...list.matchAll(/§([\d.]+)/g)].map(([, section]) => section);
    return (sections.length > 0 ? sections : [undefined]).map((section) => ({ path, section }));
  });
}

/** The numbers of a page's sections: "4" of "## 4. Logs", "5.1" of "### 5.1 Start". */
function sectionsOf(page: string): string[] {
  return [...readSource(page).matchAll(/^#+ (\d+(?:\.\d+)*)\.? /gm)].map(([, section = ""]) => section);
}

/** The rooms that a name in the diagram of imports means in `rooms.ts`. */
const roomNames: Readonly<Record<string, string>> = {
  "roles/<one>": "role",
  "roles/*.ts": "roles",
  "roles/master": "roles",
};

/** The diagram of imports that a page shows: what each room may import. */
function shownImports(page: string): Record<string, string[]> {
  const names = (side: string) =>
    side
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "and no other role")
      .map((name) => roomNames[name] ?? name);
  const arrows = [...readSource(page).matchAll(/^(core.*|data \(types\).*) ← (.*)$/gm)];
  return Object.fromEntries(
    arrows.flatMap(([, left = "", right = ""]) => names(right).map((room) => [room, names(left).toSorted()])),
  );
}

/** The names in an interface. */
function membersOf(file: string, name: string): string[] {
  const [, body = ""] =
    new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, "m").exec(readSource(file)) ?? [];
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[(:]/gm)].map(([, member = ""]) => member);
}

describe("the pages", () => {
  it.each(["docs/architecture.md", "docs/CONTRIBUTING.md"])("%s names only paths that exist", (page) => {
    const named = namedPaths(page).filter((path) => !path.includes("<"));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });

  it("about interfaces name only paths that exist", () => {
    const named = pages.filter((page) => page.startsWith("docs/spec/")).flatMap(namedPaths);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });

  it("link only to files and headings that exist", () => {
    const broken = pages.flatMap((page) =>
      linksOf(page)
        .filter(({ path, heading }) => {
          if (!existsSync(path)) return true;
          return heading !== undefined && path.endsWith(".md") && !headingsOf(path).includes(heading);
        })
        .map(({ path, heading }) => `${page}: ${path}${heading === undefined ? "" : `#${heading}`}`),
    );
    expect(broken).toEqual([]);
  });

  it("have the sections that sources and pages cite", () => {
    const cited = listFiles()
      .filter((file) => /\.(tsx?|mjs|md)$/.test(file))
      .flatMap((file) => citationsIn(file).map((citation) => ({ file, ...citation })));
    expect(cited.length).toBeGreaterThan(30);
    const wrong = cited.filter(
      ({ path, section }) => !existsSync(path) || (section !== undefined && !sectionsOf(path).includes(section)),
    );
    expect(wrong.map(({ file, path, section }) => `${file}: ${path} §${section ?? ""}`)).toEqual([]);
  });

  it("name each kind of step, and everything that a step of one's own gets", () => {
    const guides = pages.filter((page) => /^docs\/[^/]+\.md$/.test(page)).map(readSource);
    const steps = pluginFiles("steps").map((name) =>
      name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
    );
    const isNamed = (step: string) => guides.some((text) => new RegExp(`\`${step}[\`(]`).test(text));
    expect(steps.filter((step) => !isNamed(step))).toEqual([]);
    const members = [
      ...membersOf("packages/plugins/src/step-context.ts", "StepContext"),
      ...membersOf("packages/plugins/src/step-context.ts", "StepRenderContext"),
      ...membersOf("packages/config/src/renderable.ts", "RenderContext"),
    ];
    expect(members.length).toBeGreaterThan(20);
    const page = readSource("docs/own-steps.md");
    expect(members.filter((name) => !new RegExp(`\`ctx\\.${name}\\b`).test(page))).toEqual([]);
  });

  it("are all in the index", () => {
    const indexed = new Set(linksOf("docs/README.md").map(({ path }) => path));
    const missing = pages.filter(
      (page) => /^docs\/[^/]+\.md$/.test(page) && page !== "docs/README.md" && !indexed.has(page),
    );
    const shown = new Set(linksOf("docs/spec/README.md").map(({ path }) => path));
    const hidden = pages.filter((page) => /^docs\/spec\/(?!README)/.test(page) && !shown.has(page));
    expect([...missing, ...hidden]).toEqual([]);
    expect([...indexed].filter((path) => existsSync(path) && statSync(path).isDirectory())).toEqual(["docs/decisions"]);
  });

  it.each(["README.md", "docs/architecture.md"])("%s names every room, and shows what each may import", (page) => {
    const rooms = [...readdirSync("packages").map((name) => `packages/${name}`), "roles/master"];
    const text = readSource(page);
    expect(rooms.filter((room) => !new RegExp(`${room}(?![\\w-])`).test(text))).toEqual([]);
    const { core, ...others } = mayImport;
    expect(core).toEqual([]);
    const expected = Object.entries(others).map(([room, imports]) => [room, imports.toSorted()]);
    expect(shownImports(page)).toEqual(Object.fromEntries(expected));
  });
});
