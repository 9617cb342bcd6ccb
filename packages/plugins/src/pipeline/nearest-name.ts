/** Names that are longer are compared with nothing. */
const longest = 60;

/** ` (did you mean "shell"?)`, if one of these names is close to a misspelt one; otherwise "". */
export function suggest(name: string, known: Iterable<string>): string {
  if (name.length > longest) return "";
  const ranked = [...known]
    .filter((one) => one.length <= longest)
    .map((one) => ({ one, distance: distanceOf(name.toLowerCase(), one.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const [best] = ranked;
  if (!best || best.distance > Math.max(1, Math.floor(name.length / 3))) return "";
  return `; did you mean "${best.one}"?`;
}

/** How many letters have to be added, removed or replaced to make one text of the other. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
