import type { TestPostgres } from "../harness/postgres.ts";

/** Requests of one builder, or of all whose name matches, as a scheduler would leave them: one buildset each. */
export async function insertRequests(
  postgres: TestPostgres,
  database: string,
  count: number,
  builders = "builder-1",
): Promise<void> {
  await postgres.psql(
    `insert into sourcestamps (ss_hash, branch, revision, repository, project, codebase, created_at)
       select 'bench', null, null, '', '', '', 0 where not exists (select 1 from sourcestamps where ss_hash = 'bench');
     with sets as (
       insert into buildsets (external_idstring, reason, submitted_at, complete, results)
         select 'bench', 'bench', 1, 0, -1 from generate_series(1, ${count}) returning id
     ), properties as (
       insert into buildset_properties (buildsetid, property_name, property_value)
         select id, 'scheduler', '["force", "Scheduler"]' from sets
     ), stamps as (
       insert into buildset_sourcestamps (buildsetid, sourcestampid)
         select id, (select id from sourcestamps where ss_hash = 'bench') from sets
     ), matching as (
       select id, row_number() over (order by id) - 1 as n, count(*) over () as of from builders where name like '${builders}'
     )
     insert into buildrequests (buildsetid, builderid, priority, complete, results, submitted_at, waited_for)
       select s.id, m.id, 0, 0, -1, 1, 0 from sets s join matching m on s.id % m.of = m.n`,
    database,
  );
}

/** Finished builds; each of the newest ones has twelve properties. */
export async function fillHistory(
  postgres: TestPostgres,
  database: string,
  count: number,
  detailed = count,
): Promise<void> {
  await insertRequests(postgres, database, count);
  await postgres.psql(
    `update buildrequests set complete = 1, results = 0, complete_at = 2 where complete = 0;
     update buildsets set complete = 1, results = 0, complete_at = 2 where complete = 0;
     insert into builds (number, builderid, buildrequestid, workerid, masterid, started_at, complete_at, locks_duration_s, state_string, results)
       select 100000 + r.id, r.builderid, r.id, (select min(id) from workers), (select min(id) from masters), 1, 2, 0, 'build successful', 0
         from buildrequests r where not exists (select 1 from builds b where b.buildrequestid = r.id);
     insert into build_properties (buildid, name, value, source)
       select b.id, 'property ' || n, '"value of the property"', 'Build'
         from (select id from builds where number > 100000 order by id desc limit ${detailed}) b, generate_series(1, 12) n;
     analyze`,
    database,
  );
}
