/** The words of dialect `pb` that are sent as a number, in the order of their numbers from 1. */
const words = [
  ...[
    "None",
    "class",
    "dereference",
    "reference",
    "dictionary",
    "function",
    "instance",
    "list",
    "module",
    "persistent",
  ],
  ...["tuple", "unpersistable", "copy", "cache", "cached", "remote", "local", "lcache", "version", "login", "password"],
  ...["challenge", "logged_in", "not_logged_in", "cachemessage", "message", "answer", "error", "decref", "decache"],
  "uncache",
];

const numbers = new Map(words.map((word, index) => [word, index + 1]));
const bytes = words.map((word) => Buffer.from(word, "latin1"));
/** Of these words. */
const longest = 13;

/** The bytes of a word by its number; undefined if the number has no word. */
export function wordOf(number: number): Buffer | undefined {
  return bytes[number - 1];
}

/** The number of a byte string that is a word. */
export function numberOf(text: Buffer): number | undefined {
  return text.length > longest ? undefined : numbers.get(text.toString("latin1"));
}
