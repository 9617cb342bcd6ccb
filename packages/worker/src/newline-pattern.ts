/**
 * Converts a Python regular expression to JavaScript's. The masters' patterns mean the same in both, except for the dot,
 * which in JavaScript does not match carriage returns. Throws if the expression cannot be compiled.
 */
export function compileNewlinePattern(source: string): RegExp {
  let translated = "";
  let inClass = false;
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at] ?? "";
    if (char === "\\") {
      translated += char + (source[at + 1] ?? "");
      at += 1;
    } else if (char === "." && !inClass) translated += "[^\\n]";
    else {
      if (char === "[") inClass = true;
      if (char === "]") inClass = false;
      translated += char;
    }
  }
  return new RegExp(translated, "g");
}
