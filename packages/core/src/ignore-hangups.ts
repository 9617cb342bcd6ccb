import { type Logger, outliveTerminal } from "./log.ts";

/**
 * A closed terminal sends SIGHUP, and operators do by habit; by default it ends a program at once. Logs `sentence` and
 * goes on, also when nothing can be written to that terminal any more. Returns what ends this.
 */
export function ignoreHangups(log: Logger, sentence: string): () => void {
  const onHangup = () => log.warn(sentence);
  process.on("SIGHUP", onHangup);
  const forget = outliveTerminal();
  return () => {
    process.off("SIGHUP", onHangup);
    forget();
  };
}
