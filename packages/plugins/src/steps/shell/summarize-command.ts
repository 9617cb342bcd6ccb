/** Maximum length of a word of the command in the step's state. */
const longestWord = 100;

/** `'make all'`, or `'make -j8 ...'` for more than two words; a long word is truncated. */
export function summarizeCommand(command: string | readonly string[]): string {
  const words = typeof command === "string" ? command.slice(0, 1000).trim().split(/\s+/) : command;
  const shown = words
    .slice(0, 2)
    .map((word) => (word.length > longestWord ? `${cutWord(word)}…` : word))
    .join(" ");
  return words.length > 2 ? `'${shown} ...'` : `'${shown}'`;
}

/** Never between the halves of a character. */
function cutWord(word: string): string {
  const isHalf = /[\ud800-\udbff]/.test(word[longestWord - 1] ?? "");
  return word.slice(0, isHalf ? longestWord - 1 : longestWord);
}
