import { constants, copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { errors, explainFileError } from "@multimaster/core";
import { type Command, Option } from "commander";

const starter = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "templates", "starter");
/** The files that name the repository. */
const filesWithRepository = ["builders.ts", "scheduler.ts"];

interface Flags {
  repository?: string;
}

export function addInit(program: Command): void {
  program
    .command("init")
    .argument("<dir>", "directory to write to; created if it does not exist")
    .description("write a commented starter config that works, and types for the editor")
    .addOption(new Option("--repository <url>", "the git repository to build: a URL, or a path on this machine"))
    .action(async (dir: string, flags: Flags) => {
      const target = resolve(dir);
      await writeStarter(dir, target, flags);
      process.stdout.write(describeNextSteps(dir, shorten(join(target, "cluster.ts"))));
    });
}

/** What a user does next, in commands that work as they stand there. */
function describeNextSteps(dir: string, config: string): string {
  const state = join(dirname(config), "state", "master.sqlite");
  return `Wrote a starter config to ${dir}. Start it with:
  master start --config ${config}

Then the pages are at http://127.0.0.1:8010/, and this builds for the first time:
  master force --url http://127.0.0.1:8010/ --builder hello --follow

Later:
- a second worker, on this machine or another: set WORKER_PASSWORD for the master, write it into a file, and
  worker start --master ws://127.0.0.1:9989 --name worker-1 --password-file worker-1.password
- PostgreSQL instead of SQLite: set DATABASE_URL, then
  master copy-database --from ${state} --config ${config}
- a second master on the same PostgreSQL, only for builds:
  master start --config ${config} --role builder-engine
`;
}

/** A path that climbs out of the current directory is easier to read from the root. */
function shorten(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith("..") ? file : path;
}

/** Writes all of the files or, where one of them is there already, none. */
async function writeStarter(dir: string, target: string, { repository }: Flags): Promise<void> {
  try {
    await mkdir(target, { recursive: true });
    const there = await readdir(target);
    const files = await readdir(starter);
    const taken = [...files, "tsconfig.json"].find((file) => there.includes(file));
    if (taken !== undefined) throw errors.configExists(join(dir, taken));
    // One by one: Node 24 refuses to copy a directory without overwriting into one that exists.
    for (const file of files) await copyFile(join(starter, file), join(target, file), constants.COPYFILE_EXCL);
    await writeFile(join(target, "tsconfig.json"), `${JSON.stringify(describeTypes(target), undefined, 2)}\n`);
    if (repository !== undefined) await nameRepository(target, repository);
  } catch (error) {
    const why = explainFileError(error);
    throw why === undefined ? error : errors.cannotWrite(dir, why, { cause: error });
  }
}

/** A path of this machine is absolute in the config, since workers run elsewhere. */
async function nameRepository(target: string, repository: string): Promise<void> {
  const isAddress = /^[a-z+]+:\/\//i.test(repository) || /^[^/]+@[^/]+:/.test(repository);
  const address = isAddress ? repository : resolve(repository);
  for (const name of filesWithRepository) {
    const file = join(target, name);
    const text = await readFile(file, "utf8");
    await writeFile(
      file,
      text.replace('env("REPOSITORY")', () => `env("REPOSITORY", ${JSON.stringify(address)})`),
    );
  }
}

/** What an editor needs to check a config: where the types of this program are, and how the config is loaded. */
function describeTypes(target: string): object {
  const typesOf = (name: string) => {
    const folder = relative(target, fileURLToPath(new URL(".", import.meta.resolve(name))));
    return folder
      .split(sep)
      .join("/")
      .replace(/^(?!\.)/, "./");
  };
  return {
    compilerOptions: {
      ...{
        target: "es2023",
        module: "esnext",
        moduleResolution: "bundler",
        strict: true,
        noEmit: true,
        allowImportingTsExtensions: true,
      },
      ...{ skipLibCheck: true, types: [] },
      paths: {
        "@multimaster/config": [`${typesOf("@multimaster/config")}/index.d.ts`],
        "@multimaster/plugins": [`${typesOf("@multimaster/plugins")}/index.d.ts`],
        "@multimaster/plugins/*": [`${typesOf("@multimaster/plugins")}/*.d.ts`],
      },
    },
    include: ["*.ts"],
  };
}
