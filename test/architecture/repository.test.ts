import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { listFiles, readSource } from "./source-files.ts";

const files = listFiles();
const isCode = (file: string) => /\.(ts|tsx|mjs|js)$/.test(file);

describe("the repository", () => {
  it("has nothing more at its top level than the layout names", () => {
    const allowed =
      /^(\..*|package\.json|package-lock\.json|tsconfig\.json|packages|roles|configs|test|README\.md|LICENSE|docs)$/;
    const tops = new Set(files.map((file) => file.split("/")[0] ?? ""));
    expect([...tops].filter((top) => !allowed.test(top))).toEqual([]);
  });

  it("names its code files in kebab case", () => {
    const named = /^[a-z0-9]+([.-][a-z0-9]+)*\.(ts|tsx|mjs|js)$/;
    expect(
      files.filter((file) => isCode(file) && !named.test(basename(file)) && !basename(file).startsWith(".")),
    ).toEqual([]);
  });

  it("has no file that is named after nothing: say what is in it instead", () => {
    const empty =
      /^(utils?|helpers?|managers?|types?|misc|common|shared|constants?|stuff)([.-].*)?$|-(utils?|helpers?|manager|types)\./;
    expect(files.filter((file) => isCode(file) && empty.test(basename(file)))).toEqual([]);
  });

  it("has no file over 400 lines (tests, migrations and schema tables aside): which two things is it?", () => {
    const counted = files.filter(
      (file) => isCode(file) && !/\.(test|contract)\.tsx?$|migrations?\/|\/schema\//.test(file),
    );
    const long = counted
      .map((file) => ({ file, lines: readSource(file).split("\n").length - 1 }))
      .filter(({ lines }) => lines > 400)
      .map(({ file, lines }) => `${file}: ${lines} lines`);
    expect(long).toEqual([]);
  });

  it("listens to abort signals only by onAbort, which makes no warning of a leak", () => {
    const programs = files.filter(
      (file) => /^(packages|roles)\/.*\.ts$/.test(file) && !/^packages\/web\/|\/on-abort\.ts$|\.test\.ts$/.test(file),
    );
    expect(programs.filter((file) => /\.addEventListener\(\s*"abort"/.test(readSource(file)))).toEqual([]);
  });

  it("has the tests that its pages name, and at least one for each guarantee of security", () => {
    const pages = files.filter((file) => file.endsWith(".md"));
    const named = pages.flatMap((file) =>
      [...readSource(file).matchAll(/`([\w./-]+\.test\.ts)`/g)].map(([, test]) => ({ file, test: String(test) })),
    );
    expect(named.filter(({ test }) => !files.includes(test))).toEqual([]);
    const guarantees = readSource("docs/security.md")
      .split("## What is guaranteed")[1]
      ?.split("\n## ")[0]
      ?.split(/\n(?=\d+\. )/)
      .slice(1);
    expect(guarantees?.length).toBeGreaterThan(10);
    expect(guarantees?.filter((text) => !text.includes(".test.ts`"))).toEqual([]);
  });

  it("names no machine's paths and no package registry's hosts", () => {
    // Spelled so that this file does not accuse itself.
    const folders = ["work", "farm", "root"].join("|");
    const leak = new RegExp(
      `(^|[^a-zA-Z0-9._-])/(${folders})/|(registry|proxy|files|deb)\\.(npmjs|golang|pythonhosted|debian)\\.|pypi${"\\."}org`,
      "m",
    );
    const text = files.filter(
      (file) => file !== "package-lock.json" && !/\.(png|jpe?g|gif|ico|gz|br|bin|woff2?)$/.test(file),
    );
    expect(text.filter((file) => leak.test(readSource(file)))).toEqual([]);
  });

  it("shows no password that everybody then knows: no fallback of a variable that is named like one", () => {
    const shown = files.filter((file) => /^(docs|configs|packages\/cli\/templates)\/.*\.(ts|md)$|^README/.test(file));
    const fallback = /env\(\s*"[^"]*(PASS|SECRET|TOKEN|TICKET|KEY)[^"]*"\s*,\s*"[^"]/;
    expect(shown.filter((file) => fallback.test(readSource(file)))).toEqual([]);
  });

  it("compiles a regular expression of a config or a client in one place, where no text can make it slow", () => {
    const compiles: Readonly<Record<string, string>> = {
      "packages/core/src/bounded-pattern.ts": "the place",
      "packages/core/src/patterns/pattern-program.ts": "the place",
      "packages/web/src/log/search-pattern.ts": "what a reader types: read by RegExp, searched in linear time",
      "packages/web/src/log/ansi.ts": "a constant",
      "packages/cli/src/terminal.ts": "a constant",
      "packages/config/src/renderable.ts": "a constant",
      "packages/config/src/hash-config.ts": "a constant",
      "packages/plugins/src/artifact-stores/s3/answers.ts": "constants",
      "packages/database/src/nullability.ts": "a constant",
      "packages/worker/src/newline-pattern.ts": "the master's, on the worker",
      "packages/worker/src/find-files.ts": "the master's, on the worker",
      "roles/builder-engine/logs/secrets.ts": "literal texts",
    };
    const found = files.filter(
      (file) =>
        /^(packages|roles)\/.*\.tsx?$/.test(file) &&
        !/\.test\.tsx?$|\/tests?\//.test(file) &&
        /\bRegExp\(|\.(search|match|matchAll)\((?!\s*\/)/.test(readSource(file).replace(/instanceof\(RegExp[,)]/g, "")),
    );
    expect(found.filter((file) => !Object.hasOwn(compiles, file))).toEqual([]);
  });
});
