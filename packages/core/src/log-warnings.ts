import type { Logger } from "./log.ts";

/** Writes Node's own warnings to the log, which Node would print between its lines as text; returns how to stop that. */
export function logWarnings(log: Pick<Logger, "warn">): () => void {
  const printers = process.listeners("warning");
  for (const printer of printers) process.off("warning", printer);
  const write = (warning: Error) =>
    log.warn({ warning: warning.name, err: warning }, `Node.js warns: ${warning.message}`);
  process.on("warning", write);
  return () => {
    process.off("warning", write);
    for (const printer of printers) process.on("warning", printer);
  };
}
