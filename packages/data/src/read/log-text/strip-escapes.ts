/** Written as text, since the linter rightly rejects control characters in an expression. */
const escapes = new RegExp(
  [
    // Colours and movements of the cursor; titles of windows and links; character sets; other commands.
    String.raw`(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]`,
    String.raw`\x1b[P\]X^_][^\x07\x1b]*(?:\x07|\x1b\\)`,
    String.raw`\x1b[ -/]+[0-~]`,
    String.raw`\x1b[0-~]`,
    String.raw`[\x00-\x08\x0b-\x1f\x7f-\x9f]`,
  ].join("|"),
  "g",
);

/** A text without the escape codes of terminals, and without control characters other than tabs and line ends. */
export const stripEscapes = (text: string): string => text.replace(escapes, "");
