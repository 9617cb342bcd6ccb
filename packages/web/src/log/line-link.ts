/** Lines of a log, counted from 1. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

/** The lines that a link names: `#L12`, `#L12-L20`. */
export function parseLineLink(hash: string): LineRange | undefined {
  const match = /^#L(\d{1,9})(?:-L?(\d{1,9}))?$/.exec(hash);
  if (!match) return undefined;
  const from = Number(match[1]);
  return { from, to: Math.max(from, Number(match[2] ?? from)) };
}

/** The link that names these lines. */
export function formatLineLink({ from, to }: LineRange): string {
  return from === to ? `#L${from}` : `#L${from}-L${to}`;
}
