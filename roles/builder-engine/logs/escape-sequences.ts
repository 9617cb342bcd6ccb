/** How far into an escape sequence a reader of a stream is. */
export type SequenceState = "none" | "begun" | "designating" | "open" | "text";

/** The state after one more character; undefined: the character is of no escape sequence. */
export type SequenceStep = (state: SequenceState, code: number) => SequenceState | undefined;

const escapeCode = 0x1b;

/** Whether an escape sequence may begin with it: ESC, or a control character of the upper half (C1). */
export const mayBeginSequence = (code: number) => code === escapeCode || (code >= 0x80 && code <= 0x9f);

/** `ESC [ … letter`, `ESC ] … BEL`, or `ESC` and one character, whatever it is: what follows may be of the text. */
export const shortSequence: SequenceStep = (state, code) => {
  if (code === escapeCode) return "begun";
  if (state === "none") return undefined;
  if (state === "begun") return code === 0x5b ? "open" : code === 0x5d ? "text" : "none";
  return continueSequence(state, code);
};

/**
 * As terminals read them (ECMA-48): also `ESC ( B`, in which several characters follow, strings such as `ESC P … ESC \`
 * (DCS, SOS, PM, APC), and all of these by their one character of C1.
 */
export const wholeSequence: SequenceStep = (state, code) => {
  if (code === escapeCode) return "begun";
  if (code >= 0x80 && code <= 0x9f) return openedBy(code - 0x40);
  if (state === "none") return undefined;
  if (state === "begun" && code >= 0x40 && code <= 0x5f) return openedBy(code);
  if (state === "begun" || state === "designating") return code >= 0x20 && code <= 0x2f ? "designating" : "none";
  return continueSequence(state, code);
};

/** By the character after ESC: `[` opens a sequence, `P X ] ^ _` a string. */
function openedBy(code: number): SequenceState {
  if (code === 0x5b) return "open";
  return [0x50, 0x58, 0x5d, 0x5e, 0x5f].includes(code) ? "text" : "none";
}

function continueSequence(state: SequenceState, code: number): SequenceState {
  if (state === "open" && code >= 0x40 && code <= 0x7e) return "none";
  return state === "text" && code === 0x07 ? "none" : state;
}
