import type { ReporterHealth, RetentionHealth } from "@multimaster/database";
import type { Part } from "./judge-parts.ts";

/** Below this the file of the database may not grow for long. */
const littleSpace = 1024 ** 3;

const at = (seconds: number) => new Date(Math.floor(seconds) * 1000).toISOString().slice(0, 19).replace("T", " ");

/** The space that is left for a SQLite file; PostgreSQL shows what its disk has only by refusing to write. */
export function judgeDisk(free: number): Part {
  const sentence = `${(free / 1024 ** 3).toFixed(1)} GiB are free where the database is.`;
  const base = { part: "disk", kind: "disk", facts: { free } } as const;
  if (free >= littleSpace) return { ...base, state: "ok", sentence };
  return {
    ...base,
    state: "degraded",
    sentence,
    remedy: "Make room: without any, builds and their logs wait. Rules of retention keep a history small.",
  };
}

/** Whether what is old gets deleted. */
export function judgeRetention({ job, run }: RetentionHealth): Part {
  const holder = job?.master ?? null;
  const facts = { master: holder, started_at: run?.started_at ?? null, ended_at: run?.ended_at ?? null };
  const base = { part: "retention", kind: "retention", facts } as const;
  if (holder !== null) {
    const last = run?.ended_at == null ? "" : ` The last run ended at ${at(run.ended_at)} UTC.`;
    const now = run && run.ended_at === null ? `, since ${at(run.started_at)} UTC` : "";
    return { ...base, state: "ok", sentence: `${holder} deletes what the rules name${now}.${last}` };
  }
  if (run && run.ended_at === null)
    return {
      ...base,
      state: "degraded",
      sentence: `A run that began at ${at(run.started_at)} UTC has not ended, and no master goes on with it.`,
      remedy: "Start a master with the role scheduler whose config has the rules; it goes on.",
    };
  return { ...base, state: "ok", sentence: "No running master has rules of retention: everything is kept." };
}

/** Whether what is to be reported arrives. */
export function judgeReports({ reporters, failing, failing_since, unsent, dead }: ReporterHealth): Part {
  const facts = { reporters, failing, failing_since, unsent, dead };
  const base = { part: "reports", kind: "reports", facts } as const;
  const given = dead > 0 ? ` ${dead >= 1000 ? "At least " : ""}${dead} were given up.` : "";
  if (failing > 0)
    return {
      ...base,
      state: "degraded",
      sentence: `${failing} of ${reporters} reporters fail, the longest since ${at(failing_since as number)} UTC; reports wait and are tried again.${given}`,
      remedy: "The reports page and master report list say why; nothing is lost while a target is away.",
    };
  if (unsent > 0)
    return {
      ...base,
      state: "degraded",
      sentence: `${unsent} of ${reporters} reporters owe reports, and no master sends them.${given}`,
      remedy: "Start a master with the role scheduler whose config has these reporters.",
    };
  if (reporters === 0) return { ...base, state: "ok", sentence: "The config has no reporters." };
  return { ...base, state: "ok", sentence: `${reporters} reporters send what they owe.${given}` };
}
