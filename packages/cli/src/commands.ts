import type { Command } from "commander";

/** Adds a command to the program. */
type AddCommand = (program: Command, setExitCode: (code: number) => void) => void;

/** Every command by its names, in the order in which the help lists them. */
export const commands: readonly { readonly names: readonly string[]; load(): Promise<AddCommand> }[] = [
  { names: ["start"], load: async () => (await import("./commands/start.ts")).addStart },
  { names: ["check-config"], load: async () => (await import("./commands/check-config.ts")).addCheckConfig },
  { names: ["pipeline"], load: async () => (await import("./commands/pipeline.ts")).addPipeline },
  {
    names: ["upgrade-database"],
    load: async () => (await import("./commands/upgrade-database.ts")).addUpgradeDatabase,
  },
  { names: ["backup"], load: async () => (await import("./commands/backup.ts")).addBackup },
  { names: ["copy-database"], load: async () => (await import("./commands/copy-database.ts")).addCopyDatabase },
  { names: ["upgrade"], load: async () => (await import("./commands/upgrade.ts")).addUpgrade },
  { names: ["status"], load: async () => (await import("./commands/status.ts")).addStatus },
  { names: ["reconfig"], load: async () => (await import("./commands/reconfig.ts")).addReconfig },
  { names: ["drain", "undrain", "stop"], load: async () => (await import("./commands/drain.ts")).addDrain },
  { names: ["role"], load: async () => (await import("./commands/role.ts")).addRole },
  { names: ["doctor"], load: async () => (await import("./commands/doctor.ts")).addDoctor },
  { names: ["audit"], load: async () => (await import("./commands/audit.ts")).addAudit },
  { names: ["audit-log"], load: async () => (await import("./commands/audit-log.ts")).addAuditLog },
  { names: ["retention"], load: async () => (await import("./commands/retention.ts")).addRetention },
  { names: ["token"], load: async () => (await import("./commands/token.ts")).addToken },
  { names: ["worker"], load: async () => (await import("./commands/worker.ts")).addWorker },
  { names: ["sessions"], load: async () => (await import("./commands/sessions.ts")).addSessions },
  { names: ["hash-password"], load: async () => (await import("./commands/hash-password.ts")).addHashPassword },
  { names: ["init"], load: async () => (await import("./commands/init.ts")).addInit },
  { names: ["import-buildbot"], load: async () => (await import("./commands/import-buildbot.ts")).addImportBuildbot },
  { names: ["force"], load: async () => (await import("./commands/force.ts")).addForce },
  { names: ["try"], load: async () => (await import("./commands/try.ts")).addTry },
  { names: ["builds"], load: async () => (await import("./commands/builds.ts")).addBuilds },
  { names: ["builders"], load: async () => (await import("./commands/builders.ts")).addBuilders },
  { names: ["build"], load: async () => (await import("./commands/build.ts")).addBuild },
  { names: ["log"], load: async () => (await import("./commands/log.ts")).addLog },
  { names: ["artifacts"], load: async () => (await import("./commands/artifacts.ts")).addArtifacts },
  { names: ["tests"], load: async () => (await import("./commands/tests.ts")).addTests },
  { names: ["rebuild"], load: async () => (await import("./commands/rebuild.ts")).addRebuild },
  { names: ["cancel"], load: async () => (await import("./commands/cancel.ts")).addCancel },
  { names: ["approve", "reject"], load: async () => (await import("./commands/approve.ts")).addApprove },
  { names: ["send-change"], load: async () => (await import("./commands/send-change.ts")).addSendChange },
  { names: ["changes"], load: async () => (await import("./commands/changes.ts")).addChanges },
  { names: ["schedulers"], load: async () => (await import("./commands/schedulers.ts")).addSchedulers },
  { names: ["workers"], load: async () => (await import("./commands/workers.ts")).addWorkers },
  { names: ["locks", "lock"], load: async () => (await import("./commands/locks.ts")).addLocks },
  { names: ["report"], load: async () => (await import("./commands/report.ts")).addReport },
  { names: ["failing"], load: async () => (await import("./commands/failing.ts")).addFailing },
  { names: ["why"], load: async () => (await import("./commands/why.ts")).addWhy },
  { names: ["open"], load: async () => (await import("./commands/open.ts")).addOpen },
  { names: ["login"], load: async () => (await import("./commands/login.ts")).addLogin },
  { names: ["completion"], load: async () => (await import("./commands/completion.ts")).addCompletion },
];

/** The command of this name, so that nothing is loaded for the others; all of them for the help and for what is no command. */
export async function loadCommands(name: string | undefined): Promise<readonly AddCommand[]> {
  // Completion lists all of them.
  const named = name === "completion" ? [] : commands.filter(({ names }) => name !== undefined && names.includes(name));
  return Promise.all((named.length > 0 ? named : commands).map(({ load }) => load()));
}
