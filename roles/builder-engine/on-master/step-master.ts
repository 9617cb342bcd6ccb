import { MasterRefused, type StepMaster } from "@multimaster/plugins";
import type { BuildScope } from "../steps/build-scope.ts";
import type { Turns } from "../steps/turns.ts";
import { readMasterFile, writeMasterFile } from "./master-files.ts";
import { runMasterCommand } from "./run-command.ts";

/** This machine as a step of a build may use it. */
export function createStepMaster({ engine, isFork }: BuildScope, signal: AbortSignal, turns: Turns): StepMaster {
  const { commands, readFrom, writeTo } = engine.onMaster;
  function checkTrusted(): void {
    if (isFork) throw new MasterRefused("A build of a fork's code may do nothing on the master's machine.");
  }
  return {
    async run(command) {
      checkTrusted();
      if (!commands)
        throw new MasterRefused("The config allows no commands on the master's machine (onMaster.commands).");
      turns.leave();
      try {
        return await runMasterCommand(command, signal);
      } finally {
        await turns.enter();
      }
    },
    async read(path) {
      checkTrusted();
      return readMasterFile(path, readFrom);
    },
    async write(path, mode) {
      checkTrusted();
      return writeMasterFile(path, mode, writeTo);
    },
  };
}
