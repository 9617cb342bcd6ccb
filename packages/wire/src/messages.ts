import { z } from "zod";
import type { Message } from "./frames.ts";
import { RequestRefused } from "./link-errors.ts";

// The messages of the protocol `msgpack_experimental_v7`. Unknown fields are dropped on purpose: newer ends may add some, and
// Buildbot's master adds `builder_name`. An unknown op is answered with an exception.

/** Command ids are strings; Buildbot's masters use numbers as text. A number is echoed as a number. */
const commandId = z.union([z.string().max(200), z.number()]);
export type CommandId = z.infer<typeof commandId>;

const binary = z.union([z.instanceof(Uint8Array), z.string().transform((text) => new TextEncoder().encode(text))]);

/** Reports one error for the list instead of one per item, as zod's own arrays do: there may be a million. */
function listOf<T>(what: string, max: number, isItem: (item: unknown) => item is T) {
  return z.custom<T[]>(
    (value) => Array.isArray(value) && value.length <= max && value.every(isItem),
    `must be a list of ${what}, at most ${max} long`,
  );
}
const isText = (item: unknown): item is string => typeof item === "string";
const isNumber = (item: unknown): item is number => typeof item === "number";
const isPair = (item: unknown): item is [string, ...unknown[]] => Array.isArray(item) && isText(item[0]);

/** How a worker batches and splits output; applies to the whole worker and is read when a command starts. */
export const workerSettings = z.object({
  /** Characters after which an `update` is sent. */
  buffer_size: z.number().int().positive(),
  /** Seconds after which an `update` is sent at the latest. */
  buffer_timeout: z.number().nonnegative(),
  /** Python regular expression; each match becomes a newline. */
  newline_re: z.string(),
  /** In code points. Python's worker damages lines of this length or more, so it is set high. */
  max_line_length: z.number().int().positive(),
});
export type WorkerSettings = z.infer<typeof workerSettings>;

/** Turns progress bars made of carriage returns, cursor movements and backspaces into separate lines. */
export const defaultWorkerSettings: WorkerSettings = {
  buffer_size: 65_536,
  buffer_timeout: 0.3,
  newline_re: "(\\r\\n|\\r(?=.)|\\x1b\\[u|\\x1b\\[[0-9]+;[0-9]+[Hf]|\\x1b\\[2J|\\x08+)",
  max_line_length: 1_000_000,
};

/** The entry of `worker_commands` by which a worker says that it keeps the output of commands and lets masters resume them. */
export const resumeCapability = "resume_command";

/** The requests of a master to a worker. The two about kept commands are this project's own. */
export const masterRequests = {
  print: z.object({ message: z.string() }),
  keepalive: z.object({}),
  get_worker_info: z.object({}),
  set_worker_settings: z.object({ args: workerSettings }),
  start_command: z.object({
    command_id: commandId,
    command_name: z.string(),
    args: z.record(z.string(), z.unknown()),
    /** Keep its output, so that another master can resume it. Sent only to workers with the capability. */
    keep: z.boolean().default(false),
  }),
  list_commands: z.object({}),
  /** The whole output from update `from` on, then what follows. Refused unless the command is kept and was started so. */
  resume_command: z.object({
    command_id: commandId,
    command_name: z.string(),
    args: z.record(z.string(), z.unknown()),
    from: z.number().int().nonnegative().default(0),
  }),
  interrupt_command: z.object({ command_id: commandId, why: z.unknown() }),
  shutdown: z.object({}),
} as const;

/** The requests of a worker to a master; all but the reads are answered with nil. */
export const workerRequests = {
  update: z.object({ command_id: commandId, args: listOf("[name, value] pairs", 100_000, isPair) }),
  complete: z.object({ command_id: commandId, args: z.string().nullish() }),
  update_upload_file_write: z.object({ command_id: commandId, args: binary }),
  update_upload_file_close: z.object({ command_id: commandId }),
  update_upload_file_utime: z.object({
    command_id: commandId,
    access_time: z.number().nullish(),
    modified_time: z.number().nullish(),
  }),
  update_upload_directory_write: z.object({ command_id: commandId, args: binary }),
  update_upload_directory_unpack: z.object({ command_id: commandId }),
  update_read_file: z.object({ command_id: commandId, length: z.number().int().nonnegative() }),
  update_read_file_close: z.object({ command_id: commandId }),
} as const;

type RequestSchemas = Record<string, z.ZodType>;
/** A parsed request; `op` determines its fields. */
export type Request<S extends RequestSchemas> = {
  [Op in keyof S & string]: { op: Op; fields: z.infer<S[Op]> };
}[keyof S & string];
export type MasterRequest = Request<typeof masterRequests>;
export type WorkerRequest = Request<typeof workerRequests>;

/** Parses a request of the other end, or throws a message that is sent back as the exception. */
export function parseRequest<S extends RequestSchemas>(schemas: S, op: string, fields: Message): Request<S> {
  const schema = Object.hasOwn(schemas, op) ? schemas[op] : undefined;
  if (schema === undefined) throw new RequestRefused(`Command ${op.slice(0, 100)} does not exist.`);
  const parsed = schema.safeParse(fields);
  if (!parsed.success) throw new RequestRefused(`"${op}" is invalid: ${describeIssues(parsed.error)}`);
  return { op, fields: parsed.data } as Request<S>;
}

/** Lists the problems of a message in one line, each with its path. */
export function describeIssues(error: z.ZodError): string {
  const shown = error.issues.slice(0, 10).map((issue) => `${issue.path.join(".") || "message"}: ${issue.message}`);
  const more = error.issues.length - shown.length;
  return `${shown.join("; ").slice(0, 2000)}${more > 0 ? `; and ${more} more` : ""}`;
}

/** `[text, newline positions, line times]`; positions count code points, so only the times are used. */
const numbers = listOf("numbers", 1_000_000, isNumber);
const lineData = z.tuple([z.string(), numbers, numbers]).rest(z.unknown());

/** Values of the `[name, value]` pairs in an `update`. */
export const updateValues = {
  stdout: lineData,
  stderr: lineData,
  header: lineData,
  log: z.tuple([z.string().max(200), lineData]),
  rc: z.number(),
  elapsed: z.number(),
  failure_reason: z.string().transform((text) => text.slice(0, 200)),
  stat: listOf("numbers", 32, isNumber),
  files: listOf("names", 500_000, isText),
} as const;
export type UpdateName = keyof typeof updateValues;

/** The answer to `list_commands`. */
export const listedCommands = z
  .array(
    z.object({
      command_id: commandId,
      running: z.boolean(),
      kept: z.boolean(),
      updates: z.number().int().nonnegative(),
    }),
  )
  .max(10_000);

function textsUpTo(max: number) {
  return z.custom<Record<string, string>>((value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    const texts: unknown[] = Object.values(value);
    return texts.length <= max && texts.every(isText);
  }, `must be a map of at most ${max} names to texts`);
}

/** The answer to `get_worker_info`; other keys are the files of the worker's `info` directory and its operating system. */
export const workerInfoMessage = z
  .object({
    basedir: z.string().max(4096),
    system: z.string().max(100),
    version: z.string().max(200).default("unknown"),
    numcpus: z.number().int().nullish(),
    environ: textsUpTo(10_000).default({}),
    worker_commands: textsUpTo(1000).default({}),
    delete_leftover_dirs: z.union([z.boolean(), z.number()]).nullish(),
  })
  .catchall(z.unknown());
