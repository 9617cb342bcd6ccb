import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Field, resources } from "@multimaster/data";
import { type Database, queryRows } from "@multimaster/database";

const directory = fileURLToPath(new URL("../fixtures/rest/", import.meta.url));

/** One exchange with a real Buildbot 4.3.0 master. */
export interface Recording {
  name: string;
  request: { method: string; path: string; accept?: string };
  status: number;
  contentType: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever was recorded
  body: any;
}

export const recordings: Recording[] = readdirSync(directory)
  .filter((file) => !file.startsWith("post-"))
  .map((file) => ({ name: file.replace(".json", ""), ...JSON.parse(readFileSync(directory + file, "utf8")) }));

export interface PostRecording {
  case: string;
  request: { method: string; path: string; contentType: string; body: string };
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever was recorded
  body: any;
}

export const readPosts = (name: "post-ok" | "post-errors"): PostRecording[] =>
  JSON.parse(readFileSync(`${directory}${name}.json`, "utf8"));

export function recording(name: string): Recording {
  const found = recordings.find((each) => each.name === name);
  if (!found) throw new Error(`no recording ${name}`);
  return found;
}

/** Fields that Buildbot's masters do not have, by the name of the noun's list and by the name of its type. */
const ownFields = new Map(
  resources.flatMap(({ plural, name, fields }) => {
    const own = Object.entries<Field>(fields).flatMap(([field, { isOwn }]) => (isOwn ? [field] : []));
    return [[plural, own] as const, [name, own] as const];
  }),
);

/** Objects without the fields that only we have. `kind` is their list's name. */
export function withoutOwnFields<T extends object>(kind: string, objects: readonly T[]): T[] {
  const own = ownFields.get(kind) ?? [];
  return objects.map(
    (object) => Object.fromEntries(Object.entries(object).filter(([name]) => !own.includes(name))) as T,
  );
}

/** A description of a path without the fields that only we have. */
export function describedByBuildbot(spec: Obj): Obj {
  const own = ownFields.get(spec["type"]) ?? [];
  const { fields } = spec["type_spec"];
  if (!fields) return spec;
  return {
    ...spec,
    type_spec: { ...spec["type_spec"], fields: fields.filter(({ name }: Obj) => !own.includes(name)) },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: recorded objects, looked into by name
type Obj = Record<string, any>;

/** Every object of this kind in all recordings, by its id. */
function collect(plural: string, id: string): Obj[] {
  const found = new Map<number, Obj>();
  const look = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(look);
    else if (typeof value === "object" && value !== null) {
      if (id in value && plural in shapes && (shapes[plural] as string[]).every((key) => key in value))
        found.set((value as Obj)[id], value);
      Object.values(value).forEach(look);
    }
  };
  for (const { status, body } of recordings) if (status === 200) look(body);
  return [...found.values()].sort((a, b) => a[id] - b[id]);
}

/** Fields by which an object is known for what it is. */
const shapes: Record<string, string[]> = {
  masters: ["masterid", "last_active"],
  builders: ["builderid", "masterids", "tags"],
  workers: ["workerid", "workerinfo"],
  projects: ["projectid", "slug", "description"],
  codebases: ["codebaseid", "slug"],
  branches: ["branchid", "last_timestamp"],
  commits: ["commitid", "revision"],
  changes: ["changeid", "author"],
  sourcestamps: ["ssid"],
  buildsets: ["bsid", "reason"],
  buildrequests: ["buildrequestid", "waited_for"],
  builds: ["buildid", "state_string", "workerid", "number"],
  steps: ["stepid", "hidden"],
  logs: ["logid", "slug"],
  logchunks: ["logid", "content"],
  schedulers: ["schedulerid", "enabled"],
  changesources: ["changesourceid"],
  test_result_sets: ["test_result_setid", "category"],
  test_results: ["test_resultid"],
};

const sha1 = (text: string) => createHash("sha1").update(text).digest("hex");

/** Makes the rows from which a master would answer what was recorded. */
export async function seedRecorded(database: Database): Promise<void> {
  const insert = async (table: string, row: Obj) => {
    const columns = Object.keys(row);
    await queryRows(
      database,
      `insert into ${table} (${columns.join(", ")}) values (${columns.map(() => "?").join(", ")})`,
      Object.values(row),
    );
  };
  for (const m of [collect("masters", "masterid").at(-1) as Obj]) {
    await insert("masters", {
      id: m.masterid,
      name: m.name,
      name_hash: sha1(m.name),
      active: 1,
      last_active: m.last_active,
    });
  }
  const info = ({ description, description_format, description_html }: Obj) => ({
    description,
    description_format,
    description_html,
  });
  for (const p of collect("projects", "projectid")) {
    await insert("projects", { id: p.projectid, name: p.name, name_hash: sha1(p.name), slug: p.slug, ...info(p) });
  }
  let tagid = 0;
  for (const b of collect("builders", "builderid")) {
    await insert("builders", {
      id: b.builderid,
      name: b.name,
      name_hash: sha1(b.name),
      projectid: b.projectid,
      ...info(b),
    });
    await insert("builder_masters", { id: b.builderid, builderid: b.builderid, masterid: 1 });
    for (const tag of b.tags) {
      await insert("tags", { id: ++tagid, name: tag, name_hash: sha1(tag) });
      await insert("builders_tags", { id: tagid, builderid: b.builderid, tagid });
    }
  }
  let configured = 0;
  for (const { workerid, name, workerinfo, configured_on, connected_to } of recording("workers").body.workers) {
    await insert("workers", { id: workerid, name, info: JSON.stringify(workerinfo), paused: 0, graceful: 0 });
    for (const { builderid } of configured_on)
      await insert("configured_workers", { id: ++configured, workerid, buildermasterid: builderid });
    for (const { masterid } of connected_to) await insert("connected_workers", { id: workerid, workerid, masterid });
  }
  for (const c of collect("codebases", "codebaseid"))
    await insert("codebases", {
      id: c.codebaseid,
      projectid: c.projectid,
      name: c.name,
      name_hash: sha1(c.name),
      slug: c.slug,
    });
  for (const { commitid: id, ...rest } of collect("commits", "commitid"))
    await insert("codebase_commits", { id, ...rest });
  for (const { branchid: id, name, ...rest } of collect("branches", "branchid"))
    await insert("codebase_branches", { id, name, name_hash: sha1(name), ...rest });
  for (const { ssid: id, patch: _, ...rest } of collect("sourcestamps", "ssid"))
    await insert("sourcestamps", { id, ss_hash: sha1(String(id)), ...rest });
  for (const c of collect("changes", "changeid")) {
    const { files, properties, parent_changeids: _, sourcestamp, ...rest } = c;
    await insert("changes", { ...rest, sourcestampid: sourcestamp.ssid });
    for (const filename of files) await insert("change_files", { changeid: c.changeid, filename });
    for (const [name, pair] of Object.entries(properties))
      await insert("change_properties", {
        changeid: c.changeid,
        property_name: name,
        property_value: JSON.stringify(pair),
      });
  }
  await seedBuilds(insert, async (bsid, buildid) => {
    await queryRows(database, "update buildsets set parent_buildid = ? where id = ?", [buildid, bsid]);
  });
  await seedServices(insert);
  if (database.dialect.name === "postgresql") await moveSequences(database);
}

/** Rows with ids of their own leave the sequences behind. */
async function moveSequences(database: Database): Promise<void> {
  for (const table of [
    "masters",
    "builders",
    "builder_masters",
    "workers",
    "sourcestamps",
    "buildsets",
    "buildrequests",
    "builds",
    "steps",
    "logs",
    "schedulers",
  ]) {
    await queryRows(database, `select setval('${table}_id_seq', (select max(id) from ${table}) + 100)`);
  }
  await queryRows(database, "select setval('changes_changeid_seq', (select max(changeid) from changes) + 100)");
}

type Insert = (table: string, row: Obj) => Promise<void>;

async function seedBuilds(
  insert: Insert,
  setParent: (bsid: number, buildid: number | null) => Promise<void>,
): Promise<void> {
  const buildsets = collect("buildsets", "bsid");
  const builds = collect("builds", "buildid");
  for (const { bsid: id, complete, sourcestamps, parent_buildid, rebuilt_buildid: _, ...rest } of buildsets) {
    await insert("buildsets", { id, complete: Number(complete), ...rest });
    for (const { ssid } of sourcestamps) await insert("buildset_sourcestamps", { buildsetid: id, sourcestampid: ssid });
  }
  const known = new Set(buildsets.map(({ bsid }) => bsid));
  for (const r of collect("buildrequests", "buildrequestid")) {
    const { buildrequestid: id, buildsetid, builderid, priority, results, submitted_at, complete_at } = r;
    if (!known.has(buildsetid)) {
      known.add(buildsetid);
      await insert("buildsets", {
        id: buildsetid,
        reason: "not recorded",
        submitted_at,
        complete: 1,
        complete_at,
        results,
      });
      await insert("buildset_sourcestamps", { buildsetid, sourcestampid: buildsetid === 5 ? 2 : 1 });
    }
    await insert("buildrequests", {
      id,
      buildsetid,
      builderid,
      priority,
      complete: Number(r.complete),
      results,
      submitted_at,
      complete_at,
      waited_for: Number(r.waited_for),
    });
    if (r.claimed)
      await insert("buildrequest_claims", { brid: id, masterid: r.claimed_by_masterid, claimed_at: r.claimed_at });
  }
  for (const { buildid: id, complete: _, properties: __, ...rest } of builds) await insert("builds", { id, ...rest });
  for (const { bsid, parent_buildid } of buildsets) await setParent(bsid, parent_buildid);
  await insert("buildset_properties", { buildsetid: 2, property_name: "broken", property_value: "{" });
  for (const [name, pair] of Object.entries(recording("buildsets_1_properties").body.properties[0])) {
    await insert("buildset_properties", { buildsetid: 1, property_name: name, property_value: JSON.stringify(pair) });
  }
  for (const id of [1, 3]) {
    for (const [name, pair] of Object.entries<[unknown, string]>(
      recording(`builds_${id}_properties`).body.properties[0],
    )) {
      await insert("build_properties", { buildid: id, name, value: JSON.stringify(pair[0]), source: pair[1] });
    }
  }
  for (const build of recording("builds_with_two_properties").body.builds) {
    if (build.buildid === 1 || build.buildid === 3) continue;
    for (const [name, pair] of Object.entries<[unknown, string]>(build.properties)) {
      await insert("build_properties", {
        buildid: build.buildid,
        name,
        value: JSON.stringify(pair[0]),
        source: pair[1],
      });
    }
  }
  for (const { stepid: id, complete: _, hidden, urls, ...rest } of collect("steps", "stepid"))
    await insert("steps", { id, hidden: Number(hidden), urls_json: JSON.stringify(urls), ...rest });
  // Named by what hangs off it, but not recorded itself.
  const stepids = new Set(collect("steps", "stepid").map(({ stepid }) => stepid));
  for (const { stepid: id, buildid } of collect("test_result_sets", "test_result_setid")) {
    if (!stepids.has(id))
      await insert("steps", {
        id,
        buildid,
        number: 1000 + id,
        name: "not_recorded",
        state_string: "",
        urls_json: "[]",
        hidden: 0,
      });
  }
  const contents = new Map(
    [
      "builders_1_builds_1_steps_shell_logs_stdio_contents",
      "logs_7_contents",
      "logs_8_html_contents",
      "logs_9_text_contents",
    ]
      .map((name) => recording(name).body.logchunks[0])
      .map((chunk: Obj) => [chunk.logid, chunk.content as string]),
  );
  const logs = collect("logs", "logid");
  if (!logs.some(({ logid }) => logid === 1))
    logs.push({ logid: 1, name: "stdio", slug: "stdio", stepid: 3, complete: true, num_lines: 8, type: "s" });
  for (const { logid: id, complete, ...rest } of logs) {
    await insert("logs", { id, complete: Number(complete), ...rest });
    const text = contents.get(id);
    if (text !== undefined)
      await insert("logchunks", {
        logid: id,
        first_line: 0,
        last_line: text.split("\n").length - 2,
        content: Buffer.from(text.slice(0, -1)),
        compressed: 0,
      });
  }
  const value = Buffer.from(recording("builds_3_data_blob_value").body);
  await insert("build_data", { id: 1, buildid: 3, name: "blob", value, length: value.length, source: "extras" });
  for (const { test_result_setid: id, complete, ...rest } of collect("test_result_sets", "test_result_setid"))
    await insert("test_result_sets", { id, complete: Number(complete), ...rest });
  for (const t of collect("test_results", "test_resultid")) {
    const { test_resultid: id, test_name, test_code_path, ...rest } = t;
    await insert("test_names", { id, builderid: t.builderid, name: test_name });
    if (test_code_path !== null) await insert("test_code_paths", { id, builderid: t.builderid, path: test_code_path });
    await insert("test_results", {
      id,
      test_nameid: id,
      test_code_pathid: test_code_path === null ? null : id,
      ...rest,
    });
  }
}

async function seedServices(insert: Insert): Promise<void> {
  for (const { schedulerid: id, name, enabled } of collect("schedulers", "schedulerid")) {
    await insert("schedulers", { id, name, name_hash: sha1(name), enabled: Number(enabled) });
    await insert("scheduler_masters", { schedulerid: id, masterid: 1 });
  }
  for (const { changesourceid: id, name } of collect("changesources", "changesourceid")) {
    await insert("changesources", { id, name, name_hash: sha1(name) });
    await insert("changesource_masters", { changesourceid: id, masterid: 1 });
  }
  await insert("mm_force_schedulers", {
    schedulerid: 1,
    spec: JSON.stringify(recording("forceschedulers_force").body.forceschedulers[0]),
  });
}
