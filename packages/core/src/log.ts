import { pino } from "pino";
import { prettyLine } from "./log-format.ts";

export type Logger = pino.Logger;

export interface LogOptions {
  /** pino level; `silent` turns logging off. */
  level?: string;
  /** `json` (the default): one object per line, for programs; `pretty`: for people. */
  format?: string;
  /** Fields on every line, such as the master's name. */
  fields?: Record<string, unknown>;
  /** Takes the lines of the JSON format instead of standard error. */
  write?: (line: string) => void;
}

/** Structured log on standard error (standard output belongs to command results). Passwords and tokens are redacted. */
export function createLog(options: LogOptions = {}): Logger {
  return pino(
    {
      level: options.level ?? process.env["MULTIMASTER_LOG_LEVEL"] ?? "info",
      base: options.fields ?? {},
      redact: {
        paths: ["password", "*.password", "token", "*.token", "ticket", "*.ticket", "privateKey", "*.privateKey"],
        censor: "(hidden)",
      },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    options.write
      ? { write: options.write }
      : options.format === "pretty"
        ? { write: (line: string) => void process.stderr.write(prettyLine(line)) }
        : openStandardError(),
  );
}

/** Writes a line that another thread's logger has made where this logger writes. */
export function writeLogLine(log: Logger, line: string): void {
  (log as unknown as Record<symbol, pino.DestinationStream>)[pino.symbols.streamSym]?.write(line);
}

/** Lines that cannot be written are held up to this many bytes. */
const maxHeld = 4 * 1024 * 1024;

function openStandardError(): pino.DestinationStream {
  const destination = pino.destination({ dest: 2, sync: false, maxLength: maxHeld });
  // The terminal may be closed or the disk full: a program whose log cannot be written keeps running.
  let isFailing = false;
  destination.on("error", () => (isFailing = true));
  destination.on("write", () => (isFailing = false));
  // pino flushes the held lines when the program ends and retries forever, so the program would never end.
  const flushSync = destination.flushSync.bind(destination);
  destination.flushSync = () => (isFailing ? undefined : flushSync());
  return destination;
}

/** Discards writes to a closed terminal or to a pipe without a reader, which would otherwise end the program. */
export function outliveTerminal(): () => void {
  const ignore = () => undefined;
  process.stdout.on("error", ignore);
  process.stderr.on("error", ignore);
  return () => {
    process.stdout.off("error", ignore);
    process.stderr.off("error", ignore);
  };
}

/**
 * A logger that adds what `identity` returns at that moment to each line, so that its users need not know the master's
 * current name. A line's own fields take precedence.
 */
export function identifyLog(
  log: Logger,
  bindings: Readonly<Record<string, unknown>>,
  identity: Readonly<Record<string, unknown>>,
): Logger {
  return log.child(bindings, { formatters: { log: (line) => ({ ...identity, ...line }) } });
}

/** A logger that writes nothing, for tests. */
export const silentLog: Logger = pino({ level: "silent" });
