import type { SourcedProperties } from "@multimaster/core";
import { queryRows } from "@multimaster/database";
import type { z } from "zod";
import { type AnyResource, defineResource, type ReadContext } from "../model/define-resource.ts";
import { integer, shownNullable, sourced, text } from "../model/field-kinds.ts";
import { groupValues } from "../read/group-values.ts";
import { groupProperties, parsePair } from "../read/property-rows.ts";
import { searchChanges } from "./search-changes.ts";
import { loadSourceStamps, sourcestamp } from "./sourcestamps.ts";

/** The changes themselves, which a search reads. */
const theseChanges = (): AnyResource => changes;

/** Builds before one that are searched for its predecessor: a branch that is new to its builder has none. */
const lookBack = 1000;

/** Most files of each change in a list, and characters of its message; the change itself has them all. */
const listedFiles = 100;
const listedComments = 64 * 1024;

/** A commit, or another change that a change source found. */
export const changes = defineResource({
  name: "change",
  plural: "changes",
  rights: { isNamed: true, needs: ["sourcestamps"] },
  rootLink: true,
  id: "changeid",
  from: "changes ch",
  fields: {
    changeid: { schema: integer, sql: "ch.changeid" },
    parent_changeids: {
      schema: integer.array(),
      sql: "ch.parent_changeids",
      contains: "ch.parent_changeids = ?",
      read: (value) => (value === null ? [] : [Number(value)]),
    },
    author: { schema: text, sql: "ch.author" },
    committer: { schema: shownNullable(text.nullable(), false), sql: "ch.committer" },
    files: {
      schema: text.array(),
      sql: "ch.changeid",
      contains: "exists (select 1 from change_files cf where cf.changeid = ch.changeid and cf.filename = ?)",
      load: loadFiles,
      empty: [],
    },
    comments: { schema: text, sql: "ch.comments", sqlInLists: `substr(ch.comments, 1, ${listedComments})` },
    revision: { schema: text.nullable(), sql: "ch.revision" },
    when_timestamp: { schema: integer, sql: "ch.when_timestamp" },
    branch: { schema: text.nullable(), sql: "ch.branch" },
    category: { schema: text.nullable(), sql: "ch.category" },
    revlink: { schema: text.nullable(), sql: "ch.revlink" },
    properties: { schema: sourced, sql: "ch.changeid", load: loadChangeProperties, empty: {} },
    repository: { schema: text, sql: "ch.repository" },
    project: { schema: text, sql: "ch.project" },
    codebase: { schema: text, sql: "ch.codebase" },
    sourcestamp: { schema: sourcestamp, sql: "ch.sourcestampid", load: loadSourceStamps },
  },
  order: ["changeid"],
  paths: [
    { pattern: "changes", kind: "collection" },
    { pattern: "changes/search/s:text", kind: "collection", rows: searchChanges(theseChanges) },
    { pattern: "changes/n:changeid", kind: "single", where: "ch.changeid = :changeid" },
    { pattern: "builds/n:buildid/changes", kind: "collection", where: changesOfBuild("b.id = :buildid") },
    {
      pattern: "builders/n:builderid/builds/n:build_number/changes",
      kind: "collection",
      where: changesOfBuild("b.builderid = :builderid and b.number = :build_number"),
    },
    { pattern: "sourcestamps/n:ssid/changes", kind: "collection", where: "ch.sourcestampid = :ssid" },
  ],
  events: {
    names: {
      new: "Schedulers classify the change; without it, when they next poll.",
    },
    topics: ["changes/:changeid"],
  },
});

export type Change = z.output<typeof changes.schema>;

/**
 * Changes since the previous successful build of the builder with the same set of (repository, branch, codebase): for
 * each source stamp of the build, its own changes, and those of its line after the newest change of that previous build. Also
 * the changes of requests that collapsed into that of the build.
 */
function changesOfBuild(build: string): string {
  const lineOf = (buildset: string) => `
    select ls.repository, coalesce(ls.branch, ''), ls.codebase from buildset_sourcestamps lbs
      join sourcestamps ls on ls.id = lbs.sourcestampid where lbs.buildsetid = ${buildset}`;
  const previous = `
    select pr.buildsetid from builds p join buildrequests pr on pr.id = p.buildrequestid
     where p.builderid = b.builderid and p.number < b.number and p.number >= b.number - ${lookBack} and p.results = 0
       and not exists (${lineOf("pr.buildsetid")} except ${lineOf("r.buildsetid")})
       and not exists (${lineOf("r.buildsetid")} except ${lineOf("pr.buildsetid")})
     order by p.number desc limit 1`;
  const newestOf = (buildset: string) => `
    select max(nc.changeid) from buildset_sourcestamps nbs join sourcestamps ns on ns.id = nbs.sourcestampid
      join changes nc on nc.sourcestampid = ns.id
     where nbs.buildsetid = ${buildset} and ns.repository = ss.repository and ns.codebase = ss.codebase
       and coalesce(ns.branch, '') = coalesce(ss.branch, '')`;
  // The line is found first, once; its changes are then read by the index mm_changes_of_line.
  return `ch.changeid in (
    with line as (
      select ss.id as ssid, ss.repository, coalesce(ss.branch, '') as branch, ss.codebase,
             (${newestOf("r.buildsetid")}) as newest, (${newestOf(`(${previous})`)}) as built
        from builds b join buildrequests r on r.id = b.buildrequestid
        join buildset_sourcestamps bss on bss.buildsetid = r.buildsetid
        join sourcestamps ss on ss.id = bss.sourcestampid
       where ${build})
    select c.changeid from line join changes c on c.sourcestampid = line.ssid
       and c.repository = line.repository and c.codebase = line.codebase and coalesce(c.branch, '') = line.branch
    union
    select c.changeid from builds b join mm_request_ends e on e.into_requestid = b.buildrequestid
      join buildrequests r on r.id = e.buildrequestid
      join buildset_sourcestamps bss on bss.buildsetid = r.buildsetid
      join changes c on c.sourcestampid = bss.sourcestampid
     where ${build}
    union
    select c.changeid from line join changes c on c.changeid > line.built and c.changeid <= line.newest
       and c.repository = line.repository and c.codebase = line.codebase and coalesce(c.branch, '') = line.branch)`;
}

async function loadFiles(context: ReadContext, keys: readonly number[]): Promise<Map<number, string[]>> {
  if (context.pathKind === "collection") return loadSomeFiles(context, keys);
  const wanted = context.connection.dialect.isOneOf("changeid", keys);
  const rows = await queryRows<{ changeid: number; filename: string }>(
    context.connection,
    `select changeid, filename from change_files where ${wanted.sql} order by changeid, filename`,
    wanted.bindings,
  );
  return groupValues(rows.map((row) => [row.changeid, row.filename]));
}

/** The index is read as far as needed: a change of ten thousand files costs a list no more than one of a hundred. */
async function loadSomeFiles(context: ReadContext, keys: readonly number[]): Promise<Map<number, string[]>> {
  const rows: { changeid: number; filename: string }[] = [];
  const one = `select * from (select changeid, filename from change_files where changeid = ? limit ${listedFiles}) f`;
  const perQuery = 100;
  for (let start = 0; start < keys.length; start += perQuery) {
    const part = keys.slice(start, start + perQuery);
    rows.push(
      ...(await queryRows<{ changeid: number; filename: string }>(
        context.connection,
        part.map(() => one).join(" union all "),
        part,
      )),
    );
  }
  rows.sort((a, b) => (a.filename < b.filename ? -1 : a.filename > b.filename ? 1 : 0));
  return groupValues(rows.map((row) => [row.changeid, row.filename]));
}

async function loadChangeProperties(
  context: ReadContext,
  keys: readonly number[],
): Promise<Map<number, SourcedProperties>> {
  const wanted = context.connection.dialect.isOneOf("changeid", keys);
  const rows = await queryRows<{ changeid: number; property_name: string; property_value: string }>(
    context.connection,
    `select changeid, property_name, property_value from change_properties where ${wanted.sql}`,
    wanted.bindings,
  );
  return groupProperties(rows.map((row) => [row.changeid, row.property_name, parsePair(row.property_value)]));
}
