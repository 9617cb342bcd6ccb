import { type Logger, outliveTerminal } from "./log.ts";

/**
 * A closed terminal sends SIGHUP; operators send it and SIGUSR2 by habit, for a reload or new log files; each ends a program
 * by default. SIGUSR1 lets Node open a debugger's port, through which any user of the machine can run code.
 */
const ignored = ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/**
 * Logs these signals with `advice` instead, even if the terminal can no longer be written to; `onHangUp`: what SIGHUP does.
 * Returns a function that restores the default.
 */
export function ignoreSignals(log: Logger, advice: string, onHangUp?: () => void): () => void {
  const onSignal = (signal: string) => {
    if (signal === "SIGHUP" && onHangUp) onHangUp();
    else log.warn(`${signal} is ignored: ${advice}`);
  };
  for (const signal of ignored) process.on(signal, onSignal);
  const forget = outliveTerminal();
  return () => {
    for (const signal of ignored) process.off(signal, onSignal);
    forget();
  };
}
