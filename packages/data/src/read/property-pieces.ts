import type { Json, SourcedProperty } from "@multimaster/core";
import type { Dialect, Fragment } from "@multimaster/database";
import { sortedJson } from "../model/sorted-json.ts";
import { parseBare, parsePair, selectNames } from "./property-rows.ts";

// JSON text contains no control characters, so these can stand between pieces of it.
const aroundProperties = "\u0001";
const betweenProperties = "\u0002";
const betweenParts = "\u0003";

/** The table that has the properties of an object: a stored pair `[value, source]`, or a value with its source beside it. */
export interface PropertyTable {
  readonly name: string;
  readonly owner: string;
  readonly property: string;
  readonly parts: readonly string[];
}

export const buildPropertyTable: PropertyTable = {
  name: "build_properties",
  owner: "buildid",
  property: "name",
  parts: ["value", "source"],
};

export const buildsetPropertyTable: PropertyTable = {
  name: "buildset_properties",
  owner: "buildsetid",
  property: "property_name",
  parts: ["property_value"],
};

/**
 * SQL of the properties of the owner `key`, marked for `replacePieces`. The database only collects them: stored values are
 * the text of any program, which must be checked and put into the form of our answers.
 */
export function selectPieces(
  dialect: Dialect,
  { name, owner, property, parts }: PropertyTable,
  key: string,
  properties: readonly string[],
): Fragment | undefined {
  const { jsonOf } = dialect;
  if (!jsonOf) return undefined;
  const names = selectNames(dialect, property, properties);
  const piece = [property, ...parts].map(jsonOf).join(` || chr(${betweenParts.charCodeAt(0)}) || `);
  const around = `chr(${aroundProperties.charCodeAt(0)})`;
  const all = `select string_agg(${piece}, chr(${betweenProperties.charCodeAt(0)}) order by ${property} collate "C")
    from ${name} where ${owner} = ${key} and ${names.sql}`;
  return { sql: `${around} || coalesce((${all}), '') || ${around}`, bindings: names.bindings };
}

/** The JSON text with properties in the form of our answers in the place of the pieces that the database has collected. */
export function replacePieces(text: string): string {
  if (!text.includes(aroundProperties)) return text;
  const parts = text.split(aroundProperties);
  let json = parts[0] as string;
  for (let i = 1; i + 1 < parts.length; i += 2) json += writeProperties(parts[i] as string) + (parts[i + 1] as string);
  return json;
}

interface Piece {
  readonly name: string;
  /** `"name":["value","source"]`; undefined if the stored JSON is broken: every reader ignores such rows. */
  readonly json: string | undefined;
}

function writeProperties(collected: string): string {
  if (collected === "") return "{}";
  const pieces = collected.split(betweenProperties).map(readPiece);
  let json = "";
  let last: string | undefined;
  for (const piece of pieces) {
    if (piece.json === undefined) continue;
    // Two of one name, or another order than that of the keys of an object.
    if (last !== undefined && piece.name <= last) return writeInOrder(pieces);
    if (isIndex(piece.name)) return writeInOrder(pieces);
    json += last === undefined ? piece.json : `,${piece.json}`;
    last = piece.name;
  }
  return `{${json}}`;
}

/** Objects have keys that are numbers first. */
const isIndex = (name: string) => /^\d/.test(name);

function writeInOrder(pieces: readonly Piece[]): string {
  const properties = Object.create(null) as Record<string, Json>;
  for (const { json } of pieces) {
    if (json === undefined) continue;
    for (const [name, property] of Object.entries(JSON.parse(`{${json}}`) as Record<string, Json>))
      properties[name] = property;
  }
  return sortedJson(properties);
}

/** Most properties of builds are those of other builds, too: what was made of a piece is kept. */
const known = new Map<string, Piece>();
const maxKnown = 10_000;
const maxKnownLength = 300;

function readPiece(collected: string): Piece {
  const found = known.get(collected);
  if (found) return found;
  const piece = parsePiece(collected);
  if (collected.length > maxKnownLength) return piece;
  if (known.size >= maxKnown) known.clear();
  known.set(collected, piece);
  return piece;
}

function parsePiece(collected: string): Piece {
  const [name, value, source] = collected.split(betweenParts).map((part) => JSON.parse(part) as string) as [
    string,
    string,
    string | undefined,
  ];
  const property: SourcedProperty | undefined = source === undefined ? parsePair(value) : parseBare(value, source);
  return { name, json: property && `${JSON.stringify(name)}:${sortedJson(property as unknown as Json)}` };
}
