/** Reads one file of test results, piece by piece. */
export interface FileParser {
  /** Throws BadReport. */
  write(block: Uint8Array): void;
  /** The end of the file. Throws BadReport. */
  end(): void;
  /** What the file says of itself and does not keep: a reason not to believe that all is well. */
  readonly contradictions: readonly string[];
  /** Whether characters that the format forbids were replaced. */
  readonly mended: boolean;
}
