import { conflict, defineError, unavailable, usage } from "./define-error.ts";

/** Errors of masters, and of commands to them. */
export const masterErrors = {
  masterNameTaken: defineError(
    "MASTER_NAME_TAKEN",
    unavailable,
    (name: string, where: string) =>
      `A live master already has the name "${name}" (${where}); stop it first, or start this one with another --name.`,
  ),
  rejoining: defineError(
    "REJOINING",
    unavailable,
    (master: string) => `The master ${master} lost its lease and is joining the cluster again; try again.`,
  ),
  masterNotAlive: defineError(
    "MASTER_NOT_ALIVE",
    conflict,
    (master: string) => `The master ${master} is not alive; "master status" shows those that are.`,
  ),
  masterTakesNoOrders: defineError(
    "MASTER_TAKES_NO_ORDERS",
    conflict,
    (master: string) =>
      `The master ${master} is a Buildbot master or runs an older release, and accepts no commands: stop it on its own host, with SIGTERM.`,
  ),
  takesNoReconfig: defineError(
    "TAKES_NO_RECONFIG",
    conflict,
    (master: string) =>
      `The master ${master} runs a release that cannot load a new config while it runs; "master upgrade" replaces it without a gap.`,
  ),
  needsRestart: defineError(
    "NEEDS_RESTART",
    usage,
    (options: readonly string[]) =>
      `A running master cannot change ${options.join(", ")}; "master upgrade" brings the new config without a gap, and so does a restart. Nothing was changed.`,
  ),
  configMoved: defineError(
    "CONFIG_MOVED",
    conflict,
    () =>
      "The config's files changed while they were loaded; nothing was changed. Run it again when they are complete.",
  ),
  drainsNow: defineError(
    "DRAINS_NOW",
    conflict,
    () => "The master drains, so it takes over no new config; the masters that follow it load the new one.",
  ),
  masterToChoose: defineError("MASTER_TO_CHOOSE", usage, (names: readonly string[]) =>
    names.length === 0
      ? 'No master is alive; start one with "master start".'
      : `Name one of the masters ${names.join(", ")}, or use --all.`,
  ),
  notReconfigured: defineError("NOT_RECONFIGURED", usage, (detail: string) => detail),
  notDraining: defineError("NOT_DRAINING", conflict, (what: string) => `There is no open drain of ${what} to undo.`),
  endsBySignal: defineError(
    "ENDS_BY_SIGNAL",
    conflict,
    (master: string) =>
      `The master ${master} is ending because of a signal, which cannot be undone; start another one.`,
  ),
  roleAlreadyThere: defineError(
    "ROLE_ALREADY_THERE",
    conflict,
    (master: string, role: string) => `The master ${master} already has the role ${role}.`,
  ),
  roleNotThere: defineError(
    "ROLE_NOT_THERE",
    conflict,
    (master: string, role: string, roles: readonly string[]) =>
      `The master ${master} does not have the role ${role} (has: ${roles.join(", ")}).`,
  ),
  onlyRole: defineError(
    "ONLY_ROLE",
    conflict,
    (master: string, role: string) =>
      `${role} is the only role of the master ${master}; drain the master instead ("master drain ${master}").`,
  ),
  noProgram: defineError(
    "NO_PROGRAM",
    usage,
    (path: string) => `No program at ${path}; --program must name the master.mjs of a built checkout.`,
  ),
  masterNotOurs: defineError(
    "MASTER_NOT_OURS",
    unavailable,
    (name: string, pid: number) =>
      `The master ${name} (pid ${pid}) belongs to another user, so this command cannot drain it; run this command as the user that runs it.`,
  ),
  noMasterToUpgrade: defineError(
    "NO_MASTER_TO_UPGRADE",
    usage,
    (host: string, running: readonly string[]) =>
      `No master runs on the host ${host} (running in the cluster: ${running.join(", ") || "none"}); start one with "master start", or name its host with --host.`,
  ),
  notRunningOnHost: defineError(
    "NOT_RUNNING_ON_HOST",
    usage,
    (names: readonly string[], host: string, running: readonly string[]) =>
      `No master named ${names.join(", ")} runs on the host ${host} (running there: ${running.join(", ") || "none"}).`,
  ),
  otherHost: defineError(
    "OTHER_HOST",
    usage,
    (host: string, here: string) =>
      `The masters of the host ${host} are upgraded on ${host}, not on ${here}; here, --dry-run shows what would be done.`,
  ),
  configsDiffer: defineError(
    "CONFIGS_DIFFER",
    usage,
    (configs: readonly string[]) =>
      `The masters of this host were started with different configs (${configs.join("; ")}); upgrade them one config at a time, naming the masters with --masters.`,
  ),
  masterStarting: defineError(
    "MASTER_STARTING",
    unavailable,
    (names: readonly string[]) => `Still starting: ${names.join(", ")}; upgrade when all masters of this host run.`,
  ),
  upgradeUnderWay: defineError(
    "UPGRADE_UNDER_WAY",
    unavailable,
    (host: string) => `Another "master upgrade" of the host ${host} is in progress; wait for its end.`,
  ),
  upgradeUnfinished: defineError(
    "UPGRADE_UNFINISHED",
    usage,
    (host: string, began: string, why: string, started: readonly string[]) =>
      `The upgrade of ${host} that began at ${began} was not finished, and ${why}. Finish it with the same config and masters, or end its new masters first: ${started
        .map((name) => `master stop ${name}`)
        .join(", ")}.`,
  ),
  upgradeNeedsPostgresql: defineError(
    "UPGRADE_NEEDS_POSTGRESQL",
    usage,
    (database: string) =>
      `${database} serves one master, so no new one can run beside it; stop it with SIGTERM or Ctrl-C (running builds finish), then start it again with "master start": it upgrades the file by itself.`,
  ),
} as const;
