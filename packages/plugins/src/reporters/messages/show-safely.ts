/** Ends of lines that are not of a plain text. */
const lineEnds = /\r\n?|[\u0085\u2028\u2029]/g;
/** Control characters, halves of pairs, and what turns the direction of the text behind it: a log must not look like what it is not. */
const unsafe = /(?![\n\t])[\p{Cc}\p{Cs}\p{Bidi_Control}\ufff9-\ufffb]/gu;

/** A text of others as people may be shown it: each character that does not show as itself is U+FFFD. */
export const showSafely = (text: string): string => text.replaceAll(lineEnds, "\n").replaceAll(unsafe, "\ufffd");
