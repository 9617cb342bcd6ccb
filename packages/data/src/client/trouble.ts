const trouble = /\b(errors?|fatal|fail|failed|failure|exception|traceback|panic|not ok|assertion)\b|✗/i;
const noTrouble = /\b(0|no) (errors?|failed|failures?|fail)\b/i;

/** Whether a line of a log, without its colours, looks like the reason of a failure. */
export function looksLikeTrouble(text: string): boolean {
  return trouble.test(text) && !noTrouble.test(text);
}
