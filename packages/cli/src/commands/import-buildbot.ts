import { access, mkdir, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { errors, explainFileError } from "@multimaster/core";
import type { Command } from "commander";
import { importConfig } from "../import-buildbot/import-config.ts";
import { readDocument } from "../import-buildbot/read-document.ts";
import { describeShare, printReport } from "../import-buildbot/report.ts";
import { openTerminal } from "../terminal.ts";

/** `master import-buildbot`: a config from a Buildbot master's. */
export function addImportBuildbot(program: Command): void {
  program
    .command("import-buildbot")
    .argument("<master.cfg>", "Buildbot's configuration")
    .description("write a config from that of a Buildbot master, and list what is left to do")
    .option("--python <path>", "the Python with which the farm runs Buildbot", "python3")
    .option("--out <dir>", "directory to write to; created if it does not exist", "imported")
    .action(async (file: string, { python, out }: { python: string; out: string }) => {
      await mustExist(file);
      const document = await readDocument(resolve(file), python);
      const { files, findings } = importConfig(document);
      const written = new Map([...files, ["IMPORT.md", printReport(document, findings)]]);
      await writeFiles(out, written);
      const config = join(out, "cluster.ts");
      const secrets = findings.all.filter(({ kind }) => kind === "secret").length;
      await openTerminal().write(
        `${describeShare(findings)}\n` +
          `${secrets === 0 ? "" : `Secrets are not copied: ${join(out, "IMPORT.md")} lists the variables that they are read from.\n`}` +
          `Wrote ${[...written.keys()].join(", ")} to ${out}. Read IMPORT.md, then check the config with:\n` +
          `  master check-config --config ${shorten(config)}\n`,
      );
    });
}

const shorten = (file: string) => {
  const path = relative(process.cwd(), file);
  return path.startsWith("..") ? resolve(file) : path;
};

async function mustExist(file: string): Promise<void> {
  await access(file).catch((error: unknown) => {
    throw errors.buildbotNotRead(file, explainFileError(error) ?? "it cannot be read");
  });
}

/** Writes all of the files or, where one of them is there already, none. */
async function writeFiles(out: string, files: ReadonlyMap<string, string>): Promise<void> {
  try {
    await mkdir(out, { recursive: true });
    for (const name of files.keys()) {
      const path = join(out, name);
      const isThere = await access(path).then(
        () => true,
        () => false,
      );
      if (isThere) throw errors.configExists(path);
    }
    for (const [name, text] of files) await writeFile(join(out, name), text, { flag: "wx" });
  } catch (error) {
    const why = explainFileError(error);
    throw why === undefined ? error : errors.cannotWrite(out, why, { cause: error });
  }
}
