/** Returns the pattern with `[`, `*` and `?` escaped in the names of the directories that it shares with `base`. */
export function escapeDirectory(base: string, pattern: string): string {
  let same = 0;
  while (same < base.length && base[same] === pattern[same]) same += 1;
  const isWhole = same === base.length && /[\\/]/.test(pattern[same] ?? "");
  const end = isWhole ? same : base.slice(0, same).search(/[^\\/]*$/);
  return pattern.slice(0, end).replace(/[*?[]/g, "[$&]") + pattern.slice(end);
}
