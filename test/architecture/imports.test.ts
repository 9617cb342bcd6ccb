import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dataRooms, findRoom, findRoomOfPackage, mayImport, reasons, thirdParties } from "./rooms.ts";
import { type Import, listFiles, listImports, resolveRelative, root } from "./source-files.ts";

const sources = listFiles().filter(
  (file) =>
    /^(packages|roles|configs)\/.*\.(ts|tsx|mjs|js)$/.test(file) &&
    !/\.test\.tsx?$|\.d\.m?ts$/.test(file) &&
    !/^packages\/[^/]+\/(bin|templates|fixtures)\//.test(file),
);
const imports = sources.flatMap((file) => listImports(file));

describe("the import rule", () => {
  it("lets each room import only the rooms below it", () => {
    expect(imports.flatMap(explainRoom)).toEqual([]);
  });

  it("keeps third parties in their rooms", () => {
    expect(imports.flatMap(explainThirdParty)).toEqual([]);
  });

  it("allows no circle of files, of types neither", () => {
    expect(findCircles()).toEqual([]);
  });

  it("keeps large libraries out of the heartbeat's thread, which every master starts beside its own modules", () => {
    const loaded = listLoaded("packages/cluster/src/heartbeat-thread.ts");
    expect(loaded.has("packages/database/src/single-connection.ts")).toBe(true);
    expect([...loaded].filter((name) => /^(pino|prom-client|zod)\b|\/src\/index\.ts$/.test(name))).toEqual([]);
  });

  it("lets each room of data import only the rooms below it", () => {
    expect(imports.flatMap(explainDataRoom)).toEqual([]);
    expect(new Set(sources.flatMap((file) => roomOfData(file) ?? []))).toEqual(new Set(Object.keys(dataRooms)));
  });
});

describe("the scanner behind it", () => {
  const scan = (source: string) => listImports("roles/ui/x.ts", source).map((found) => [found.specifier, found.isType]);

  it("sees every form of import", () => {
    expect(
      scan(
        [
          'import { a,\n  b } from "one";',
          'import type { C } from "two";',
          'import "three";',
          'export * from "four";',
          'const e = await import("five");',
          'type F = typeof import("six");',
          'export type { G } from "seven";',
          'import h, { type I } from "eight";',
        ].join("\n"),
      ),
    ).toEqual([
      ["one", false],
      ["two", true],
      ["three", false],
      ["four", false],
      ["seven", true],
      ["eight", false],
      ["five", false],
      ["six", true],
    ]);
  });

  it("says what to do when a role imports another", () => {
    const [sentence] = explainRoom({ from: "roles/ui/x.ts", specifier: "../scheduler/role.ts", isType: false });
    expect(sentence).toContain("roles meet only in rows and topics");
    expect(explainRoom({ from: "roles/ui/x.ts", specifier: "@multimaster/database", isType: false })).toHaveLength(1);
    expect(explainRoom({ from: "packages/plugins/src/x.ts", specifier: "@multimaster/data", isType: true })).toEqual(
      [],
    );
    expect(
      explainRoom({ from: "packages/plugins/src/x.ts", specifier: "@multimaster/data", isType: false }),
    ).toHaveLength(1);
    expect(explainThirdParty({ from: "roles/ui/x.ts", specifier: "better-sqlite3", isType: true })).toHaveLength(1);
    expect(
      explainDataRoom({ from: "packages/data/src/model/x.ts", specifier: "../updates/index.ts", isType: true }),
    ).toHaveLength(1);
  });
});

/** The files, and the names of third parties, that a file loads at run time. */
function listLoaded(entry: string): Set<string> {
  const loaded = new Set([entry]);
  for (const file of loaded) {
    if (!existsSync(join(root, file))) continue;
    for (const found of listImports(file)) if (!found.isType) loaded.add(resolveImport(found));
  }
  return loaded;
}

function resolveImport(found: Import): string {
  if (found.specifier.startsWith(".")) return resolveRelative(found);
  const [, room, path = "index"] = /^@multimaster\/([^/]+)(?:\/(.+))?$/.exec(found.specifier) ?? [];
  return room === undefined ? found.specifier : `packages/${room}/src/${path}.ts`;
}

function explainRoom(found: Import): string[] {
  const from = findRoom(found.from);
  const isRelative = found.specifier.startsWith(".");
  if (!from || !(isRelative || found.specifier.startsWith("@multimaster/"))) return [];
  const to = isRelative ? findRoom(resolveRelative(found)) : findRoomOfPackage(found.specifier);
  const what = `${found.from} imports ${found.specifier}`;
  if (!to) return [`${what}: a file of the program may not depend on the tests or tools`];
  if (to.label === from.label) {
    return isRelative || from.kind === "roles" ? [] : [`${what}: within a package, import the file by its path`];
  }
  if (from.kind === "role" && to.kind === "role") {
    return [`${what}: roles meet only in rows and topics; put the fact in data/resources`];
  }
  // Relative paths may cross only where one package holds both sides: roles/*.ts and its folders.
  if (isRelative && !(from.label.startsWith("roles") && to.label.startsWith("roles"))) {
    return [`${what}: cross a room by its name, @multimaster/${to.kind}`];
  }
  const allowed = mayImport[from.kind] ?? [];
  if (allowed.includes(to.kind) || allowed.includes(found.specifier.replace("@multimaster/", ""))) return [];
  if (allowed.includes(`${to.kind} (types)`)) {
    return found.isType ? [] : [`${what}: only with "import type"; ${reasons[from.kind]}`];
  }
  return [
    `${what}: ${from.label} may not import ${to.label}; ${reasons[from.kind] ?? "add the room to test/architecture/rooms.ts"}`,
  ];
}

function explainDataRoom(found: Import): string[] {
  const from = roomOfData(found.from);
  const to = found.specifier.startsWith(".") ? roomOfData(resolveRelative(found)) : undefined;
  if (from === undefined || from === to) return [];
  const room = dataRooms[from];
  if (room?.isTypesOnly && !found.isType)
    return [`${found.from} imports ${found.specifier}: only with "import type"; ${room.because}`];
  if (to === undefined || room?.imports.includes(to)) return [];
  return [
    `${found.from} imports ${found.specifier}: ${from} may not import ${to}; ${room?.because ?? "name the room"}`,
  ];
}

/** The folder of packages/data/src that a file is in; data.ts and index.ts put the rooms together and are in none. */
function roomOfData(file: string): string | undefined {
  return /^packages\/data\/src\/([^/]+)\//.exec(file)?.[1];
}

function explainThirdParty(found: Import): string[] {
  const from = findRoom(found.from);
  const name = /^(@[^/]+\/[^/]+|[^./][^/]*)/.exec(found.specifier)?.[0];
  if (!from || !name) return [];
  return thirdParties
    .filter((rule) => rule.name.test(name) && !rule.rooms.some((room) => room === from.kind || room === from.label))
    .map((rule) => `${found.from} imports ${name}: ${rule.because} (allowed in: ${rule.rooms.join(", ")})`);
}

function findCircles(): string[] {
  const edges = new Map<string, string[]>();
  for (const found of imports) {
    if (!found.specifier.startsWith(".")) continue;
    edges.set(found.from, [...(edges.get(found.from) ?? []), resolveRelative(found)]);
  }
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
      return;
    }
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return circles;
}
