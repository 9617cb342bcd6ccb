export type LogType = "s" | "t" | "h";

export interface LogUpdates {
  /**
   * Adds a log; a taken slug gets `_2`, `_3`… (fenced). Called again before anything was written to it, because the answer
   * was lost, it gives the same row.
   */
  add(log: { stepid: number; name: string; type: LogType }): Promise<{ logid: number; slug: string }>;
  /**
   * Appends whole lines (each ended by a newline; for type "s" each beginning with o, e or h) at line `firstLine`
   * (fenced). The caller is the log's only writer and counts its lines; a repeated call after a lost answer adds nothing.
   * Resolves to the number of lines stored in all.
   */
  append(logid: number, firstLine: number, text: string): Promise<number>;
  /** Marks it complete (fenced), then merges and compresses its chunks. */
  finish(logid: number): Promise<void>;
  /** Merges and compresses, in the background, the chunks of logs that a master left which is gone. */
  compress(logids: readonly number[]): void;
}
