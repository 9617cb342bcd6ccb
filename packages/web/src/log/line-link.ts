/** The lines a link names, counted from 1: `#L12`, `#L12-L20`. */
export function parseLineLink(hash: string): { from: number; to: number } | undefined {
  const match = /^#L(\d{1,9})(?:-L?(\d{1,9}))?$/.exec(hash);
  if (!match) return undefined;
  const from = Number(match[1]);
  return { from, to: Math.max(from, Number(match[2] ?? from)) };
}
