import { pino } from "pino";

export type Logger = pino.Logger;

export interface LogOptions {
  /** pino level; `silent` turns logging off. */
  level?: string;
  /** Fields on every line, such as the master's name. */
  fields?: Record<string, unknown>;
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
    },
    pino.destination({ dest: 2, sync: false }),
  );
}

/** A log that says nothing, for tests. */
export const silentLog: Logger = pino({ level: "silent" });
