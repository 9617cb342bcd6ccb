/** Colours and movements of the cursor; titles of windows and links; character sets and other commands; control characters. */
const escapes =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are made of them
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[P\]X^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[ -/]*[0-~]|[\0-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** A text without the escape codes of terminals, and without control characters other than tabs and line ends. */
export const stripEscapes = (text: string): string => text.replace(escapes, "");
