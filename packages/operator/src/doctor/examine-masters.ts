import type { ClusterStatus } from "../status.ts";
import { type Finding, findingsOf } from "./finding.ts";

const { ok, warning, failed } = findingsOf("masters");

/** What the rows say about the masters: who is there, what they cannot do, and whether they fit together. */
export function examineMasters(status: ClusterStatus): Finding[] {
  const alive = status.masters.filter((master) => master.alive);
  const silent = status.masters.filter((master) => master.state === "expired");
  const releases = [...new Set(alive.filter(({ buildbot }) => !buildbot).map(({ release }) => release))].sort();
  const roles = ["scheduler", "builder-engine", "ui"].filter(
    (role) => !alive.some((master) => master.buildbot || master.roles.includes(role)),
  );
  return [
    alive.length === 0
      ? warning("no master runs", "start one: master start")
      : ok(`${alive.length} of them: ${alive.map(({ name }) => name).join(", ")}`),
    ...silent.map(({ name, leaseRemaining }) =>
      warning(
        `${name} has not renewed its lease and is ${(-leaseRemaining).toFixed(0)} s over it`,
        "look at its host and its way to the database; another master evicts it",
      ),
    ),
    ...(alive.length > 0 ? roles : []).map((role) =>
      warning(`no master has the role ${role}`, `start one: master start --role ${role}`),
    ),
    ...(releases.length > 1
      ? [warning(`they run different releases: ${releases.join(", ")}`, "end the upgrade (docs/versions.md)")]
      : []),
    ...status.configSplits.map((sentence) => warning(sentence, "master reconfig --all")),
    ...status.unfinishedUpgrades.map(({ host }) =>
      warning(`an upgrade of ${host} was interrupted`, "run master upgrade there again: it takes that one up"),
    ),
    ...status.failures.map(({ master, service, cause }) =>
      failed(`on ${master}, ${service} fails again and again: ${cause}`, "see the log of that master"),
    ),
    ...status.schedulers.flatMap(({ name, problem }) =>
      problem === null ? [] : [warning(`scheduler ${name}: ${problem}`, "see master schedulers")],
    ),
  ];
}
