import { beforeAll, describe, expect, it } from "vitest";
import { describedByBuildbot, recordings, seedRecorded, withoutOwnFields } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

/** Where the specs name a defect, or the order of the rows, we answer better than what was recorded. */
const better = new Set([
  "error_not_found", // tells internals
  "error_logchunks_root", // tells internals
  "error_logs_contents_offset_past_end", // empty, not missing: a client that follows a log asks for future lines
  "error_changes_1_properties_list", // broken in Buildbot
  "application.spec", // has its own test
]);

describe.each(engines)("the data API on %s", (engine) => {
  let server: RestServer;
  beforeAll(async () => {
    const database = await newDatabase(engine);
    await seedRecorded(database);
    server = await startRestServer(database);
  });

  it.each(recordings.filter(({ name }) => !better.has(name)))(
    "answers as recorded: $name",
    async ({ request, status, contentType, body }) => {
      const answer = await server.get(request.path, request.accept ? { accept: request.accept } : {});
      expect(answer.status).toBe(status);
      expect(answer.contentType).toBe(contentType);
      expect(comparable(answer.body, request.path)).toEqual(comparable(body, request.path));
    },
  );

  it("describes every path that Buildbot describes, with the same fields", async () => {
    const recorded = recordings.find(({ name }) => name === "application.spec");
    const answer = await server.get("/api/v2/application.spec");
    const own = new Map<string, unknown>(
      answer.body.specs.map((spec: { path: string }) => [spec.path, describedByBuildbot(spec)]),
    );
    for (const spec of recorded?.body.specs ?? []) expect(own.get(spec.path), spec.path).toEqual(spec);
    expect(
      [...own.keys()].filter((path) => !recorded?.body.specs.some((spec: { path: string }) => spec.path === path)),
    ).toEqual([
      "approvals",
      "approvals/n:buildrequestid",
      "artifacts",
      "artifacts/n:artifactid",
      "audit_entries",
      "audit_entries/n:auditid",
      "branch_builders/s:source",
      "builders/n:builderid/artifacts",
      "builders/n:builderid/builds/n:build_number/artifacts",
      "builders/n:builderid/builds/n:build_number/trigger_items",
      "builders/n:builderid/failing",
      "builders/n:builderid/lines",
      "builders/n:builderid/tests/failing",
      "builders/n:builderid/tests/flaky",
      "builders/n:builderid/tests/slowest",
      "builders/n:builderid/waiting",
      "builders/s:buildername/buildrequests",
      "builders/s:buildername/builds/n:build_number/artifacts",
      "builders/s:buildername/builds/n:build_number/trigger_items",
      "builders/s:buildername/waiting",
      "buildrequests/n:buildrequestid/approvals",
      "buildrequests/n:buildrequestid/collapsed",
      "buildrequests/n:buildrequestid/end",
      "buildrequests/n:buildrequestid/properties",
      "buildrequests/n:buildrequestid/why",
      "builds/n:buildid/artifacts",
      "builds/n:buildid/compare",
      "builds/n:buildid/compare/n:baseid",
      "builds/n:buildid/notes",
      "builds/n:buildid/tests",
      "builds/n:buildid/trigger_item_counts",
      "builds/n:buildid/trigger_items",
      "changes/search/s:text",
      "cluster",
      "failing",
      "failing/n:lineid",
      "latentworkers",
      "latentworkers/s:latent",
      "latentworkers/s:latent/workerinstances",
      "lines/n:lineid",
      "lines/n:lineid/builds",
      "lines/n:lineid/notes",
      "lock_holds",
      "lock_holds/n:holdid",
      "lock_waits",
      "locks",
      "locks/n:lockid",
      "locks/n:lockid/holds",
      "locks/n:lockid/waits",
      "logs/n:logid/times",
      "masters/n:masterid/orders",
      "masters/n:masterid/stalls",
      "masters/s:name",
      "members",
      "members/n:masterid",
      "members/s:name",
      "notes",
      "notes/n:noteid",
      "orders",
      "orders/n:orderid",
      "reporters",
      "reporters/n:reporterid",
      "reporters/n:reporterid/reports",
      "reports",
      "reports/n:reportid",
      "request_ends",
      "request_ends/n:buildrequestid",
      "retention_runs",
      "retention_runs/n:runid",
      "schedulers/n:schedulerid/waiting",
      "schedulers/s:name",
      "schedules",
      "schedules/n:schedulerid",
      "stalls",
      "stalls/n:stallid",
      "standing",
      "steps/n:stepid/artifacts",
      "steps/n:stepid/trigger_items",
      "tests/failing",
      "tests/flaky",
      "tests/n:testid",
      "tests/n:testid/runs",
      "tests/slowest",
      "trigger_items/n:itemid",
      "tryschedulers",
      "tryschedulers/s:name",
      "waiting",
      "waiting/builders",
      "waiting/changes",
      "worker_absences",
      "worker_absences/n:absenceid",
      "worker_accounts",
      "worker_accounts/n:accountid",
      "workerinstances",
      "workerinstances/n:instanceid",
      "workers/n:workerid/absences",
      "workers/n:workerid/workerinstances",
    ]);
  });

  it.each([
    ["a missing object", "/api/v2/builds/9999", "There is no build at builds/9999."],
    [
      "an id beyond every integer",
      "/api/v2/builds/99999999999999999999",
      "There is no build at builds/99999999999999999999.",
    ],
    ["chunks without a log", "/api/v2/logchunks", "There is no logchunk at logchunks."],
    [
      "the log of a missing build",
      "/api/v2/builds/9999/steps/0/logs/stdio/raw",
      "There is no logchunk at builds/9999/steps/0/logs/stdio/raw.",
    ],
    ["an id that is none", "/api/v2/builds/x", "Invalid path: builds/x"],
    ["a path that cannot be decoded", "/api/v2/builders/%ff/builds/%zz", "Invalid path: builders/%ff/builds/%zz"],
    ["the base with a slash", "/api/v2/", "Invalid path: "],
  ])("answers %s with 404 and one sentence", async (_, path, error) => {
    const answer = await server.get(path);
    expect([answer.status, answer.contentType, answer.body]).toEqual([404, "text/plain; charset=utf-8", { error }]);
  });
});

/** Leaves out what differs between any two masters: totals (only ours are true), the order of unordered lists, heartbeats; and fields that only we have. */
function comparable(body: unknown, path: string): unknown {
  const text = JSON.stringify(body, (key, value) => (key === "last_active" ? 0 : value));
  const copy = text === undefined ? undefined : JSON.parse(text);
  if (typeof copy !== "object" || copy === null || !("meta" in copy)) return copy;
  if (/[?&](limit|offset)=/.test(path)) delete copy.meta.total;
  for (const [kind, list] of Object.entries(copy)) if (Array.isArray(list)) copy[kind] = withoutOwnFields(kind, list);
  for (const list of Object.values(copy))
    if (Array.isArray(list) && !path.includes("order="))
      list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (Array.isArray(copy.masters))
    copy.masters = copy.masters.filter((m: { name: string }) => !m.name.startsWith("host-ui"));
  if (Array.isArray(copy.masters) && copy.meta.total) copy.meta.total = copy.masters.length;
  return copy;
}
