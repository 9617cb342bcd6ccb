import { z } from "zod";

const seconds = z.number().nullable().default(null);
const nameList = z.array(z.string()).min(1);
const blocksize = z.number().int().positive().default(65_536);
const maxsize = z.number().int().nonnegative().nullable().default(null);

/** A file watched while the command runs; with `follow` only data appended to it is sent. */
const watchedFile = z.union([z.string(), z.object({ filename: z.string(), follow: z.boolean().default(false) })]);

/** null removes the variable, a list is joined like PATH, `${NAME}` is replaced by the worker's own variable. */
const environment = z
  .record(z.string(), z.union([z.string(), z.array(z.string()), z.null()]))
  .nullable()
  .default(null);

/**
 * Arguments of every command that a worker supports, the same at both ends. Defaults are filled in before sending, because
 * Python's worker requires most keys. Paths are absolute, in the worker's own format.
 */
export const commandArgs = {
  shell: z.object({
    workdir: z.string(),
    /** A text is run by `/bin/sh -c`, a list as it is. */
    command: z.union([z.string(), nameList]),
    env: environment,
    want_stdout: z.boolean().default(true),
    want_stderr: z.boolean().default(true),
    logfiles: z.record(z.string(), watchedFile).default({}),
    /** Maximum seconds without output. */
    timeout: seconds,
    /** Maximum seconds in total. */
    maxTime: seconds,
    max_lines: z.number().int().nullable().default(null),
    /** Seconds between SIGTERM and `interruptSignal`; null: no SIGTERM. */
    sigtermTime: seconds,
    interruptSignal: z.string().default("KILL"),
    usePTY: z.boolean().default(false),
    logEnviron: z.boolean().default(false),
    initial_stdin: z.string().nullable().default(null),
  }),
  /** With `maxsize`, Python's worker also fails a file of exactly this size. */
  upload_file: z.object({ path: z.string(), maxsize, blocksize, keepstamp: z.boolean().default(false) }),
  upload_directory: z.object({
    path: z.string(),
    maxsize,
    blocksize,
    compress: z.enum(["gz", "bz2"]).nullable().default(null),
  }),
  download_file: z.object({
    path: z.string(),
    maxsize,
    blocksize,
    mode: z.number().int().nullable().default(null),
  }),
  mkdir: z.object({ paths: nameList }),
  rmdir: z.object({
    paths: nameList,
    logEnviron: z.boolean().default(false),
    timeout: z.number().nullable().default(120),
    maxTime: seconds,
  }),
  cpdir: z.object({
    from_path: z.string(),
    to_path: z.string(),
    logEnviron: z.boolean().default(false),
    timeout: z.number().nullable().default(120),
    maxTime: seconds,
  }),
  stat: z.object({ path: z.string() }),
  glob: z.object({ path: z.string() }),
  listdir: z.object({ path: z.string() }),
  rmfile: z.object({ path: z.string() }),
} as const;

export type CommandName = keyof typeof commandArgs;
/** Arguments as a caller passes them: defaults may be omitted. */
export type CommandInput<N extends CommandName = CommandName> = z.input<(typeof commandArgs)[N]>;
/** Arguments as a worker runs them, with defaults filled in. */
export type CommandArgs<N extends CommandName = CommandName> = z.output<(typeof commandArgs)[N]>;

export const commandNames = Object.keys(commandArgs) as CommandName[];

/** Names that older masters use for the transfers, with the same arguments. */
export const commandAliases: Readonly<Record<string, CommandName>> = {
  uploadFile: "upload_file",
  uploadDirectory: "upload_directory",
  downloadFile: "download_file",
};
