import { type Logger, outliveTerminal } from "./log.ts";

/**
 * A closed terminal sends SIGHUP, and operators send it by habit; by default it ends a program immediately. This logs
 * `sentence` instead, even if that terminal can no longer be written to. Returns a function that restores the default.
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
