import { type Result, Results } from "@multimaster/core";
import type { NewSourceStamp } from "@multimaster/data";
import { execute } from "@multimaster/database";
import { aWorker, type Member } from "./masters-with-data.ts";
import { createSeededRandom } from "./seeded-random.ts";

/** A commit of the script, on one branch of one codebase. */
interface Commit {
  readonly revision: string;
  readonly author: string;
  readonly changeid: number;
}

/** A build as the script knows it; it says nothing about a branch unless `counts`. */
interface Scripted {
  readonly builder: string;
  readonly branch: string;
  /** How many commits it has of each codebase, in the order of the codebases. */
  readonly at: readonly number[];
  readonly buildid: number;
  readonly number: number;
  readonly counts: boolean;
  results: Result | null;
}

/** What is true of a builder and branch that fail, by the script's own ledger. */
export interface TrulyFailing {
  readonly builder: string;
  readonly branch: string;
  readonly lastGood: number | null;
  readonly firstBad: number;
  readonly newest: number;
  readonly count: number;
  /** Revisions that the first bad build has and the last good one had not, newest first. */
  readonly suspects: readonly string[];
}

export interface ScriptedHistory {
  /** Goes on with so many events: commits, builds that begin, builds that end. */
  play(events: number): Promise<void>;
  /** Ends every build that runs. */
  settle(): Promise<void>;
  /** Builder and branch that fail now, in the order of their names. */
  failing(): TrulyFailing[];
  /** Revisions, newest first, that one build had and another one had not. */
  between(base: Scripted, build: Scripted): string[];
  readonly builds: readonly Scripted[];
}

/** Builders, and what they build. The last one has two codebases. */
const codebasesOf: Readonly<Record<string, readonly string[]>> = {
  unit: ["app"],
  lint: ["app"],
  packages: ["lib"],
  whole: ["app", "lib"],
};
/** The only project, with its only builder. */
export const inProject = { name: "Teapots & more", builder: "whole" };
const branches = ["main", "release/1", "feature/blue"];
const authors = ["Ann <ann@example.org>", "Ben <ben@example.org>", "Cleo <cleo@example.org>"];
const bad: readonly Result[] = [Results.FAILURE, Results.EXCEPTION];
const countedBad = (results: Result | null) => results !== null && bad.includes(results);

/**
 * A day of a cluster, the same for the same seed: commits that break things and repair them, flaky builds, branches, builds of old
 * commits, builds of patches and of no given revision, builds that are retried, stopped and skipped, and that end in another order
 * than they began. Its ledger knows the true answers from nothing but the script.
 */
export async function scriptHistory(seed: string, members: readonly Member[]): Promise<ScriptedHistory> {
  const random = createSeededRandom(seed);
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)] as T;
  const chance = (percent: number) => random.below(100) < percent;
  const workers = await Promise.all(members.map((member, i) => aWorker(member, `w${i}`)));
  const [first] = members as readonly [Member, ...Member[]];
  // Patches are accepted only by a cluster without masters of earlier releases.
  await execute(first.database, "update mm_data_version set version = 2");
  await first.updates.builders.configure(
    Object.keys(codebasesOf).map((name) => ({
      name,
      description: null,
      tags: [],
      project: name === inProject.builder ? inProject.name : null,
      workers: [],
    })),
  );
  const commits = new Map<string, Commit[]>();
  const commitsOf = (codebase: string, branch: string) => {
    const own = commits.get(`${codebase} ${branch}`) ?? [];
    commits.set(`${codebase} ${branch}`, own);
    return own;
  };
  /** Whether a builder is broken by a branch, from a commit on. */
  const broken = new Map<string, boolean>();
  /** The state of each builder after each commit, by codebase, branch and number of commits. */
  const states = new Map<string, boolean>();
  const builds: Scripted[] = [];
  const running: { build: Scripted; member: Member; results: Result; request: number }[] = [];

  async function commit(): Promise<void> {
    const [codebase, branch] = [pick(["app", "lib"]), pick([...branches, "main", "main"])];
    const own = commitsOf(codebase, branch);
    const revision = `${codebase}-${branch}-${own.length + 1}`;
    const author = pick(authors);
    const { changeid } = await pick(members).updates.changes.add({
      author,
      comments: `Change ${revision}\n\nbecause`,
      revision,
      branch,
      codebase,
      repository: `https://example.org/${codebase}.git`,
    });
    own.push({ revision, author, changeid });
    for (const [builder, codebases] of Object.entries(codebasesOf)) {
      const key = `${builder} ${codebase} ${branch}`;
      if (codebases.includes(codebase) && chance(25)) broken.set(key, !broken.get(key));
      states.set(`${key} ${own.length}`, broken.get(key) ?? false);
    }
  }

  async function begin(): Promise<void> {
    const builder = pick(Object.keys(codebasesOf));
    const codebases = codebasesOf[builder] as readonly string[];
    const branch = pick([...branches, "main", "main"]);
    const tips = codebases.map((codebase) => commitsOf(codebase, branch).length);
    if (tips.some((tip) => tip === 0)) return;
    const kind = random.below(100);
    // An old commit was chosen by someone; of two codebases both are old.
    const at = tips.map((tip) => (kind < 15 ? 1 + random.below(tip) : tip));
    const patched = kind >= 15 && kind < 22;
    /** No revision is given, and the branch may be the default one: the step says what it found. */
    const open = kind >= 22 && kind < 40;
    const revisions = codebases.map((codebase, i) => commitsOf(codebase, branch)[(at[i] ?? 1) - 1]?.revision as string);
    const sourceStamps = codebases.map(
      (codebase, i): NewSourceStamp => ({
        branch: open && branch === "main" && chance(50) ? null : branch,
        revision: open ? null : (revisions[i] as string),
        // As a form leaves it.
        repository: open ? "" : `https://example.org/${codebase}.git`,
        project: "",
        codebase,
        ...(patched
          ? { patch: { body: Buffer.from("+"), level: 1, subdir: null, author: "ann", comment: "try it" } }
          : {}),
      }),
    );
    const i = random.below(members.length);
    const member = members[i] as Member;
    const { requests } = await member.updates.buildsets.add({
      reason: "script",
      sourceStamps,
      builders: [builder],
      scheduler: null,
    });
    const request = Object.values(requests)[0] as number;
    const isBroken = codebases.some((codebase, n) => states.get(`${builder} ${codebase} ${branch} ${at[n]}`));
    const results = chance(8)
      ? pick([...bad, Results.SUCCESS])
      : isBroken
        ? pick(bad)
        : pick([Results.SUCCESS, Results.SUCCESS, Results.WARNINGS]);
    await start({
      member,
      workerid: workers[i] as number,
      request,
      results,
      builder,
      branch,
      at,
      counts: !patched,
      revisions,
    });
  }

  async function start(wanted: {
    member: Member;
    workerid: number;
    request: number;
    results: Result;
    builder: string;
    branch: string;
    at: readonly number[];
    counts: boolean;
    revisions: readonly string[];
  }): Promise<void> {
    const { member, workerid, request, results, builder, branch, at, counts, revisions } = wanted;
    await member.updates.buildrequests.claim([request]);
    const created = await member.updates.builds.create({ buildrequestid: request, workerid });
    if (created === "lost") throw new Error("the build was not created");
    const { buildid, number } = created;
    const codebases = codebasesOf[builder] as readonly string[];
    const got =
      codebases.length === 1
        ? (revisions[0] as string)
        : Object.fromEntries(codebases.map((codebase, i) => [codebase, revisions[i] as string]));
    await member.updates.builds.setProperties(buildid, { got_revision: [got, "Git"] });
    const build: Scripted = { builder, branch, at, buildid, number, counts, results: null };
    builds.push(build);
    // Some are given back first, stopped or skipped: none of that says anything.
    if (chance(10)) {
      await member.updates.builds.finish(buildid, { results: Results.RETRY, state: "worker lost" });
      build.results = Results.RETRY;
      await start(wanted);
      return;
    }
    const end = chance(8) ? pick([Results.CANCELLED, Results.SKIPPED]) : results;
    running.push({ build, member, results: end, request });
  }

  async function end(): Promise<void> {
    if (running.length === 0) return;
    const [ended] = running.splice(random.below(running.length), 1);
    if (!ended) return;
    const { build, member, results } = ended;
    await member.updates.builds.finish(build.buildid, { results, state: "done" });
    build.results = results;
  }

  /** By the number of commits of all its codebases; of equal ones the later build is newer. */
  const inOrder = (some: readonly Scripted[]) =>
    [...some].sort((a, b) => placeOf(a) - placeOf(b) || a.buildid - b.buildid);
  const placeOf = ({ builder, branch, at }: Scripted) =>
    (codebasesOf[builder] ?? []).reduce(
      (sum, codebase, i) => sum + (commitsOf(codebase, branch)[(at[i] ?? 1) - 1]?.changeid ?? 0),
      0,
    );

  function between(base: Scripted, build: Scripted): string[] {
    const found = (codebasesOf[build.builder] ?? []).flatMap((codebase, i) =>
      commitsOf(codebase, build.branch).slice(base.at[i] ?? 0, build.at[i]),
    );
    return found.sort((a, b) => b.changeid - a.changeid).map(({ revision }) => revision);
  }

  return {
    builds,
    between,
    async play(events) {
      for (let i = 0; i < events; i += 1) {
        const kind = random.below(10);
        if (kind < 3) await commit();
        else if (kind < 7) await begin();
        else await end();
      }
    },
    async settle() {
      while (running.length > 0) await end();
    },
    failing() {
      const failing: TrulyFailing[] = [];
      for (const builder of Object.keys(codebasesOf))
        for (const branch of branches) {
          const own = inOrder(
            builds.filter(
              (build) =>
                build.builder === builder &&
                build.branch === branch &&
                build.counts &&
                (countedBad(build.results) || build.results === Results.SUCCESS || build.results === Results.WARNINGS),
            ),
          );
          const newest = own.at(-1);
          if (!newest || !countedBad(newest.results)) continue;
          const lastGood = own.findLast(({ results }) => !countedBad(results));
          const since = lastGood ? own.slice(own.indexOf(lastGood) + 1) : own;
          const first = since[0] as Scripted;
          failing.push({
            builder,
            branch,
            lastGood: lastGood?.number ?? null,
            firstBad: first.number,
            newest: newest.number,
            count: since.length,
            suspects: between(lastGood ?? { ...first, at: first.at.map((n) => n - 1) }, first),
          });
        }
      return failing.sort((a, b) => (`${a.builder} ${a.branch}` < `${b.builder} ${b.branch}` ? -1 : 1));
    },
  };
}
