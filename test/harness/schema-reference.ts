import { readFileSync } from "node:fs";

export interface ReferenceColumn {
  name: string;
  type: string;
  nullable: boolean;
  default: string | null;
  /** `table.column (on delete)`, or empty. */
  references: string;
  primary: boolean;
}

export interface ReferenceTable {
  name: string;
  columns: ReferenceColumn[];
  /** `[UNIQUE ]name(columns)`, sorted. */
  indexes: string[];
}

/** The tables of the database reference, which was taken from a real Buildbot 4.3.0. */
export function readReference(): ReferenceTable[] {
  const text = readFileSync(new URL("../fixtures/database.md", import.meta.url), "utf8");
  return text
    .split(/^#### /m)
    .slice(1)
    .map(parseTable);
}

function parseTable(section: string): ReferenceTable {
  const name = /^`(\w+)`/.exec(section)?.[1] as string;
  const rows = [...section.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)];
  return {
    name,
    columns: rows.map(([, column, rest]) =>
      parseColumn(
        column as string,
        (rest as string).split("|").map((cell) => cell.trim()),
      ),
    ),
    indexes: parseIndexes(section),
  };
}

function parseColumn(
  name: string,
  [type = "", nullable, value = "", references = "", meaning = ""]: string[],
): ReferenceColumn {
  return {
    name,
    type,
    nullable: nullable === "yes",
    default: value === "" ? null : value.replaceAll(/^'(\d+)'$/g, "$1"),
    references,
    primary: meaning.startsWith("**PK**"),
  };
}

function parseIndexes(section: string): string[] {
  const line = /^Indexes: (.*)\.$/m.exec(section)?.[1] ?? "";
  return [...line.matchAll(/(UNIQUE )?`(\w+)`\(([^)]*)\)/g)]
    .map(([, unique = "", name, columns]) => `${unique}${name}(${columns?.replaceAll(" ", "")})`)
    .sort();
}
