import { publishedSchedulers } from "@multimaster/database";
import type { Check } from "../check.ts";

const isRecent = (column: string, since: number) => (since > 0 ? ` and ${column} >= ${since}` : "");

/** What schedulers decide once: times of their timetables, and buildsets of other schedulers. */
export const slotChecks: readonly Check[] = [
  {
    id: "slot-without-buildset",
    one: "A scheduler's slot counts as built and has no buildset",
    many: "{n} slots of schedulers count as built and have no buildset",
    means: "What the scheduler was to build at that time, or after that buildset, is never built.",
    advice: "Force the build. The id is the scheduler's, the kind of slot, and its time or buildset.",
    windowed: true,
    sql: ({
      since,
    }) => `select cast(t.schedulerid as varchar(12)) || ' ' || t.kind || ' ' || cast(t.slot as varchar(12)) as id
      from mm_scheduler_slots t where t.outcome = 'built'${isRecent("t.decided_at", since)}
        and not exists (select 1 from buildsets b where b.id = t.buildsetid)`,
  },
  {
    id: "buildset-without-slot",
    one: "A scheduler that goes by the clock has made a buildset for no slot",
    many: "{n} buildsets were made for no slot, by schedulers that go by the clock",
    means: "A slot was probably decided twice, and its work is done twice.",
    advice: "Cancel what is too much.",
    windowed: true,
    sql: ({ since }) => `select b.id from ${publishedSchedulers} u join schedulers s on s.id = u.schedulerid
      join buildsets b on b.id > (select min(t.buildsetid) from mm_scheduler_slots t where t.schedulerid = s.id)
      join buildset_properties p on p.buildsetid = b.id and p.property_name = 'scheduler'
       and p.property_value = '["' || s.name || '", "Scheduler"]'
     where u.kind = 'times' and b.rebuilt_buildid is null${isRecent("b.submitted_at", since)}
       and not exists (select 1 from mm_scheduler_slots t where t.schedulerid = s.id and t.buildsetid = b.id)`,
  },
  {
    id: "scheduler-with-problem",
    one: "A scheduler cannot build what it should",
    many: "{n} schedulers cannot build what they should",
    means:
      "A function of the config fails, does not answer in time, or chooses a builder that there is none of. What it is asked about waits, or is refused.",
    advice:
      "Read the sentence on the page of the schedulers or in `master status`, and correct the config. The id is the scheduler's name.",
    sql: () => `select o.name as id from objects o join object_state s on s.objectid = o.id
      join schedulers c on c.name = o.name
      where o.class_name = 'Scheduler' and s.name = 'problem' and s.value_json <> 'null'`,
  },
];
