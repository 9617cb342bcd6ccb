import type { CommandArgs } from "../commands.ts";
import { RequestRefused } from "../link-errors.ts";
import type { TextForm } from "./to-jelly.ts";
import type { OwnObject, Sendable } from "./values.ts";

/** A command in the words of this protocol. */
export interface TranslatedCommand {
  readonly name: string;
  /** Arguments of the commands that do it, one after the other. */
  readonly parts: readonly Readonly<Record<string, Sendable>>[];
  /** Its success means that names were reported. */
  readonly reportsFiles?: boolean;
}

/** Objects of this end that a transfer is made through. */
export interface TransferObjects {
  writer(): OwnObject;
  reader(): OwnObject;
}

/** What commands are chosen by. */
export interface WorkerTraits {
  /** The worker's own list: the version of each command's interface by the command's name. */
  readonly commands: Readonly<Record<string, string>>;
  readonly textForm: TextForm;
}

/** Bytes that are read and written at a time; a larger block could not be sent. */
const maxBlock = 65_536;

/**
 * Names a command and its arguments as workers of every release understand them. Paths are absolute, so the directory of a slot
 * does not matter. An unknown command is sent unchanged, for the worker to refuse.
 */
export function translateCommand(
  name: string,
  given: unknown,
  objects: TransferObjects,
  worker: WorkerTraits,
): TranslatedCommand {
  switch (name) {
    case "shell":
      return { name, parts: [translateShell(given as CommandArgs<"shell">, worker)] };
    case "mkdir":
      return { name, parts: (given as CommandArgs<"mkdir">).paths.map((dir) => ({ dir })) };
    case "rmdir": {
      const { paths, ...args } = given as CommandArgs<"rmdir">;
      return { name, parts: [{ ...args, dir: paths }] };
    }
    case "cpdir": {
      const { from_path: fromdir, to_path: todir, ...args } = given as CommandArgs<"cpdir">;
      return { name, parts: [{ ...args, fromdir, todir }] };
    }
    case "stat":
      return { name, parts: [{ file: (given as CommandArgs<"stat">).path }] };
    case "listdir":
      return { name, parts: [{ dir: (given as CommandArgs<"listdir">).path }], reportsFiles: true };
    case "glob":
      return { name, parts: [{ path: (given as CommandArgs<"glob">).path }], reportsFiles: true };
    case "rmfile":
      return translateRmfile((given as CommandArgs<"rmfile">).path, worker);
    case "upload_file":
    case "upload_directory":
      return translateUpload(name, given as CommandArgs<"upload_file" | "upload_directory">, objects);
    case "download_file": {
      const { path, blocksize, ...args } = given as CommandArgs<"download_file">;
      const block = Math.min(blocksize, maxBlock);
      const target = { workdir: ".", workerdest: path, slavedest: path };
      return { name: "downloadFile", parts: [{ ...args, ...target, blocksize: block, reader: objects.reader() }] };
    }
    default:
      return { name, parts: [given as Readonly<Record<string, Sendable>>] };
  }
}

function translateUpload(
  name: "upload_file" | "upload_directory",
  { path, blocksize, ...args }: CommandArgs<"upload_file" | "upload_directory">,
  objects: TransferObjects,
): TranslatedCommand {
  // Slaves of release 0.8 know the source by its old name.
  const source = { workdir: ".", workersrc: path, slavesrc: path };
  const block = Math.min(blocksize, maxBlock);
  return {
    name: name === "upload_file" ? "uploadFile" : "uploadDirectory",
    parts: [{ ...args, ...source, blocksize: block, writer: objects.writer() }],
  };
}

/**
 * A worker on Python 2 fails at the text of a shell command that has characters beyond ASCII, but not at a list of texts. It can neither
 * run a command in a directory of such a name nor pass such a variable. Slaves of release 0.8 can: they pass bytes as they are.
 */
function translateShell(
  args: CommandArgs<"shell">,
  { commands, textForm }: WorkerTraits,
): TranslatedCommand["parts"][number] {
  if (textForm === "unicode" || commands["shell"]?.startsWith("2.")) return args;
  const { command, workdir, env } = args;
  if (!isAscii(workdir)) throw refuseOnPython2(`in a directory of such a name: ${workdir}`);
  const variable = Object.entries(env ?? {}).find((entry) => !isAscii(entry.join()));
  if (variable !== undefined) throw refuseOnPython2(`with such a variable: ${variable[0]}`);
  return typeof command !== "string" || isAscii(command) ? args : { ...args, command: ["/bin/sh", "-c", command] };
}

function refuseOnPython2(what: string): RequestRefused {
  return new RequestRefused(
    `the worker runs on Python 2, which does not handle characters beyond ASCII everywhere: it cannot run a command ${what}`,
  );
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

/** Releases before 0.9.2 have no command for it. */
function translateRmfile(path: string, { commands }: WorkerTraits): TranslatedCommand {
  if (Object.hasOwn(commands, "rmfile") || !Object.hasOwn(commands, "shell"))
    return { name: "rmfile", parts: [{ path }] };
  const flags = { logEnviron: false, usePTY: false, want_stdout: true, want_stderr: true };
  return { name: "shell", parts: [{ ...flags, workdir: ".", command: ["rm", "--", path] }] };
}
