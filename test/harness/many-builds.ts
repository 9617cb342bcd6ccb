/** How many of everything a database gets; all else follows from the number of builds. */
export interface Amounts {
  readonly builds: number;
  /** Of the newest builds: those that have steps, logs and properties. */
  readonly detailed: number;
  /** Requests that wait; default 2,000. */
  readonly pending?: number;
}

export type Engine = "postgresql" | "sqlite";

/** What is filled in, by table, in this order. */
export type Fill = readonly (readonly [table: string, sql: string])[];

export const builders = 1000;
export const workers = 500;
const masters = 8;
/** Builds that run, and changes that wait for their timer. */
const running = 200;
const timed = 40;
const stepsOfBuild = 5;
const testsOfBuilder = 10;
/** Tables whose rows grow in number with the builds. */
export const growing = [
  "builds",
  "buildrequests",
  "buildrequest_claims",
  "buildsets",
  "buildset_properties",
  "buildset_sourcestamps",
  "build_properties",
  "changes",
  "change_files",
  "logchunks",
  "logs",
  "mm_line_builds",
  "sourcestamps",
  "steps",
  "test_result_sets",
  "test_results",
] as const;

/**
 * A history as a cluster has it after years: a tenth of all builds are of one builder and a few thousand of the last ones, one
 * build in a thousand was done twice, one change in three is of a branch of its own, some builds run and some requests wait.
 * No random numbers: the same amounts are the same rows, on both engines.
 */
export function describeHistory(engine: Engine, { builds, detailed, pending = 2000 }: Amounts): Fill {
  const series = (from: number, to: number) =>
    engine === "postgresql"
      ? `generate_series(${from}::bigint, ${to}::bigint) as s(n)`
      : `(with recursive s(n) as (select ${from} union all select n + 1 from s where n < ${to}) select n from s) as s`;
  const now = engine === "postgresql" ? "extract(epoch from now())::bigint" : "unixepoch()";
  const bytes = (text: string) => (engine === "postgresql" ? `convert_to(${text}, 'UTF8')` : `cast(${text} as blob)`);

  const sourced = `builds b join buildrequests r on r.id = b.buildrequestid
        join buildset_sourcestamps m on m.buildsetid = r.buildsetid join sourcestamps ss on ss.id = m.sourcestampid`;
  const built = builds - Math.floor(builds / 1000);
  const requests = built + pending;
  const buildsets = Math.ceil(requests / 4);
  const changes = Math.floor(builds / 5);
  const firstDetailed = builds - detailed;
  const at = (n: string, of: number) => `${now} - (${of} - ${n}) * 9`;
  const builderOf = (request: string) => {
    const u = `((${request}) * 7919 % 10000)`;
    return `1 + ${u} * ${u} / 10000 * ${u} / ${100_000_000 / builders}`;
  };
  const resultOf = (request: string) => {
    const u = `(${request} * 31337 % 1000)`;
    return `case when ${u} < 850 then 0 when ${u} < 950 then 2 when ${u} < 970 then 1 when ${u} < 980 then 4 else 6 end`;
  };
  const branchOf = (n: string) =>
    `case when ${n} % 3 = 0 then 'pr/' || ${n} when ${n} % 10 = 1 then 'stable' else 'main' end`;
  const placeOf = (n: string) => `'https://forge.example/' || (case when ${n} % 10 < 7 then 0 else ${n} % 5 end)`;
  // Each thousandth build, from the first on, was given up and done again by the next one.
  const requestOf = (build: string) =>
    `(${build} + case when ${build} % 1000 = 1 then 1 else 0 end - (${build} + 999) / 1000)`;

  return [
    [
      "masters",
      `insert into masters (id, name, name_hash, active, last_active)
      select n, 'engine-' || n, 'engine-' || n, 1, ${now} from ${series(1, masters)}`,
    ],
    [
      "mm_leases",
      `insert into mm_leases (masterid, epoch, instance, roles, builder_sets, state, host, pid, release, data_version, lease_s,
        joined_at, renewed_at, steady_since, expires_at)
      select n, 1, 'instance-' || n, '["scheduler","builder-engine"]', '[]', 'running', 'host', n, '0', 1, 15, ${now} - 1000, ${now}, ${now} - 1000, ${now} + 1000000
        from ${series(1, masters)}`,
    ],
    [
      "projects",
      `insert into projects (id, name, name_hash, slug) select n, 'project-' || n, 'project-' || n, 'project-' || n from ${series(1, 5)}`,
    ],
    [
      "builders",
      `insert into builders (id, name, name_hash, projectid) select n, 'builder-' || n, 'builder-' || n, n % 5 + 1 from ${series(1, builders)}`,
    ],
    [
      "workers",
      `insert into workers (id, name, info, paused, graceful) select n, 'worker-' || n, '{}', 0, 0 from ${series(1, workers)}`,
    ],
    [
      "builder_masters",
      `insert into builder_masters (id, builderid, masterid) select n, n, n % ${masters} + 1 from ${series(1, builders)}`,
    ],
    [
      "configured_workers",
      `insert into configured_workers (buildermasterid, workerid)
      select n / 5 + 1, n % 5 + (n / 5 % ${workers / 5}) * 5 + 1 from ${series(0, builders * 5 - 1)}`,
    ],
    [
      "connected_workers",
      `insert into connected_workers (masterid, workerid) select n % ${masters} + 1, n from ${series(1, workers)}`,
    ],
    [
      "mm_worker_attachments",
      `insert into mm_worker_attachments (workerid, masterid, epoch, attached_at) select n, n % ${masters} + 1, 1, ${now} - 500 from ${series(1, workers)}`,
    ],
    [
      "schedulers",
      `insert into schedulers (id, name, name_hash, enabled) select n, 'scheduler-' || n, 'scheduler-' || n, 1 from ${series(1, 20)}`,
    ],
    [
      "scheduler_masters",
      `insert into scheduler_masters (schedulerid, masterid) select n, n % ${masters} + 1 from ${series(1, 20)}`,
    ],
    [
      "mm_scheduler_cursors",
      `insert into mm_scheduler_cursors (schedulerid, floor) select n, ${changes} from ${series(1, 20)}`,
    ],
    [
      "sourcestamps",
      `insert into sourcestamps (id, ss_hash, branch, revision, repository, project, codebase, created_at)
      select n, 'stamp-' || n, ${branchOf("n")}, 'revision-' || n, ${placeOf("n")}, 'project-' || (n % 5 + 1), '', ${at("n * 5", builds)} from ${series(1, changes)}`,
    ],
    [
      "changes",
      `insert into changes (changeid, author, comments, branch, revision, revlink, when_timestamp, category, repository, project, codebase, sourcestampid, parent_changeids)
      select n, 'author-' || (n % 200), 'Change number ' || n || ' of this history', ${branchOf("n")}, 'revision-' || n, '', ${at("n * 5", builds)}, null, ${placeOf("n")},
             'project-' || (n % 5 + 1), '', n, nullif(n - 1, 0) from ${series(1, changes)}`,
    ],
    [
      "change_files",
      `insert into change_files (changeid, filename)
      select (n + 1) / 2, 'src/part-' || (n % 500) || '/file-' || (n % 7) || '.c' from ${series(1, changes * 2)}`,
    ],
    [
      "scheduler_changes",
      `insert into scheduler_changes (schedulerid, changeid, important) select n % 20 + 1, ${changes} - n, 1 from ${series(1, timed)}`,
    ],
    [
      "buildsets",
      `insert into buildsets (id, external_idstring, reason, submitted_at, complete, complete_at, results, parent_buildid, parent_relationship, rebuilt_buildid)
      select n, null, 'the branch changed', ${at("n * 4", requests)}, case when n * 4 > ${built - running} then 0 else 1 end,
             case when n * 4 > ${built - running} then null else ${at("n * 4", requests)} + 900 end, case when n * 4 > ${built - running} then -1 else n % 50 / 45 * 2 end,
             case when n % 50 = 0 and n > 200 then n * 4 - 400 end, case when n % 50 = 0 and n > 200 then 'Triggered from' end,
             case when n % 200 = 1 and n > 200 then n * 4 - 399 end from ${series(1, buildsets)}`,
    ],
    [
      "buildset_sourcestamps",
      `insert into buildset_sourcestamps (id, buildsetid, sourcestampid)
      select n, n, n * ${changes} / ${buildsets + 1} + 1 from ${series(1, buildsets)}`,
    ],
    [
      "buildset_properties",
      `insert into buildset_properties (buildsetid, property_name, property_value)
      select (n + 1) / 2, case when n % 2 = 0 then 'scheduler' else 'owner' end,
             case when n % 2 = 0 then '["scheduler-1", "Scheduler"]' else '["author-' || (n % 200) || '", "Force Build Form"]' end from ${series(1, buildsets * 2)}`,
    ],
    [
      "buildrequests",
      `insert into buildrequests (id, buildsetid, builderid, priority, complete, results, submitted_at, complete_at, waited_for)
      select n, (n + 3) / 4, ${builderOf("n")}, n % 3, case when n > ${built - running} then 0 else 1 end, case when n > ${built - running} then -1 else ${resultOf("n")} end,
             ${at("n", requests)}, case when n > ${built - running} then null else ${at("n", requests)} + 800 end, 0 from ${series(1, requests)}`,
    ],
    [
      "buildrequest_claims",
      `insert into buildrequest_claims (brid, masterid, claimed_at)
      select n, n % ${masters} + 1, ${at("n", requests)} + 30 from ${series(1, built)}`,
    ],
    [
      "builds",
      `insert into builds (id, number, builderid, buildrequestid, workerid, masterid, started_at, complete_at, locks_duration_s, state_string, results)
      select n, row_number() over (partition by builderid order by n), builderid, requestid, n % ${workers} + 1, requestid % ${masters} + 1, ${at("n", builds)} + 40,
             case when n > ${builds - running} then null else ${at("n", builds)} + 700 - n % 300 end, n % 4, 'build successful', case when n > ${builds - running} then null when n % 1000 = 1 then 5 else ${resultOf("requestid")} end
        from (select n, requestid, ${builderOf("requestid")} as builderid from (select n, ${requestOf("n")} as requestid from ${series(1, builds)}) as numbered) as placed`,
    ],
    [
      "mm_builder_lines",
      `insert into mm_builder_lines (builderid, line_hash, branch, source, watched, failing, bad_count, failing_since)
      select distinct b.builderid, ss.branch, ss.branch, ss.branch, case when ss.branch like 'pr/%' then 0 else 1 end, 0, 0, 0 from ${sourced}`,
    ],
    [
      "mm_line_builds",
      `insert into mm_line_builds (buildid, lineid, position, good)
      select b.id, l.lineid, ss.id, case when b.results < 2 then 1 else 0 end from ${sourced}
        join mm_builder_lines l on l.builderid = b.builderid and l.line_hash = ss.branch
       where b.results in (0, 1, 2, 4) and b.id <= ${builds - running - 1000}`,
    ],
    [
      "mm_builder_lines",
      `update mm_builder_lines set failing = 1, bad_count = 3, failing_since = ${now} - n.newest,
             newest_buildid = n.newest, first_bad_buildid = n.newest
        from (select lineid, max(buildid) as newest from mm_line_builds group by lineid) n
       where n.lineid = mm_builder_lines.lineid and n.lineid % 20 = 0`,
    ],
    [
      "build_properties",
      `insert into build_properties (buildid, name, value, source)
      select b, case p when 0 then 'got_revision' when 1 then 'branch' when 2 then 'revision' when 3 then 'owners' when 4 then 'workername' when 5 then 'buildername' when 6 then 'builddir' else 'scheduler' end,
             case p when 1 then '"main"' when 3 then '["author-' || (b % 200) || '"]' else '"revision-' || (b / 5) || '"' end, 'Build'
        from (select n / 8 as b, n % 8 as p from ${series((firstDetailed + 1) * 8, builds * 8 + 7)}) as each_one`,
    ],
    [
      "steps",
      `insert into steps (id, number, name, buildid, started_at, locks_acquired_at, complete_at, state_string, results, urls_json, hidden)
      select n - ${firstDetailed * stepsOfBuild} - ${stepsOfBuild - 1}, n % 5, case n % 5 when 0 then 'git' when 1 then 'compile' when 2 then 'test' when 3 then 'lint' else 'upload' end, n / 5,
             ${at("n / 5", builds)} + 50 + n % 5 * 70, ${at("n / 5", builds)} + 50 + n % 5 * 70, case when n / 5 > ${builds - running} then null else ${at("n / 5", builds)} + 110 + n % 5 * 70 end,
             'finished', case when n / 5 > ${builds - running} then null else 0 end, '[]', 0 from ${series((firstDetailed + 1) * stepsOfBuild, builds * stepsOfBuild + stepsOfBuild - 1)}`,
    ],
    [
      "logs",
      `insert into logs (id, name, slug, stepid, complete, num_lines, type)
      select n, 'stdio', 'stdio', n, case when n > ${(detailed - running) * stepsOfBuild} then 0 else 1 end, case when n > ${detailed * stepsOfBuild} * 0.95 then 3 else 0 end, 's'
        from ${series(1, detailed * stepsOfBuild)}`,
    ],
    [
      "logchunks",
      `insert into logchunks (logid, first_line, last_line, content, compressed)
      select n, 0, 2, ${bytes("'hcc -O2' || char_lf || 'oa.c' || char_lf || 'oready'")}, 0 from (select n, ${engine === "postgresql" ? "chr(10)" : "char(10)"} as char_lf from ${series(1, detailed * stepsOfBuild)}) as logged
       where n > ${detailed * stepsOfBuild} * 0.95`,
    ],
    [
      "test_names",
      `insert into test_names (id, builderid, name)
      select n, (n - 1) / ${testsOfBuilder} + 1, 'suite.test_' || n % ${testsOfBuilder} from ${series(1, builders * testsOfBuilder)}`,
    ],
    [
      "test_result_sets",
      `insert into test_result_sets (id, builderid, buildid, stepid, description, category, value_unit, tests_passed, tests_failed, complete)
      select row_number() over (order by st.id), b.builderid, b.id, st.id, 'tests', 'pass_fail', 'outcome', 9, 1, 1
        from steps st join builds b on b.id = st.buildid where st.number = 2 and b.id % 20 = 0`,
    ],
    [
      "test_results",
      `insert into test_results (builderid, test_result_setid, test_nameid, test_code_pathid, line, duration_ns, value)
      select ts.builderid, ts.id, (ts.builderid - 1) * ${testsOfBuilder} + s.n, null, null, s.n * 1000,
             case when (ts.id + s.n) % 31 = 0 then 'fail' else 'pass' end
        from test_result_sets ts, ${series(1, testsOfBuilder)}`,
    ],
  ];
}
