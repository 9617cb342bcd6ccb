import { errors } from "@multimaster/core";
import { type Connection, type NewNote, type NoteSubject, queryRows } from "@multimaster/database";
import { z } from "zod";
import type { BuilderLine } from "../resources/failing/builder-lines.ts";
import type { Note } from "../resources/notes.ts";
import { type ActionContext, defineAction, type Subject } from "./action.ts";

const longestText = 2000;
const longestMuteSeconds = 366 * 86_400;

const textOf = (shortest: number, what: string) => {
  const wrong = `'text' must be ${what} of at most ${longestText} characters`;
  return z
    .string(wrong)
    .trim()
    .min(shortest, wrong)
    .max(longestText, wrong)
    .regex(
      /^[^\p{Cc}]*(?:[\n\t][^\p{Cc}]*)*$/u,
      "'text' must be plain text: no control characters but line ends and tabs",
    );
};

/** A comment needs words. */
export const comment = z.object({ text: textOf(1, "a text") });
const take = z.object({ text: textOf(0, "a text").default("") });

const wrongTime = `'for_seconds' must be a number of seconds, at most ${longestMuteSeconds}`;
const mute = z
  .object({
    /** The reason: a mute without one is not understood a week later. */
    text: textOf(1, "the reason, a text"),
    for_seconds: z.number(wrongTime).positive(wrongTime).max(longestMuteSeconds, wrongTime).nullish(),
    /** It ends when a build of the newest source passes; also before its time. */
    until_good: z.boolean("'until_good' must be true or false").default(false),
  })
  .superRefine(({ for_seconds, until_good }, ctx) => {
    if (until_good || typeof for_seconds === "number") return;
    ctx.addIssue({ code: "custom", message: "a mute needs an end: 'for_seconds', 'until_good' or both" });
  });

type Context = Pick<ActionContext, "updates" | "actor" | "trail">;

/** Writes a note of the caller, and returns its id. */
export async function addNote(
  { updates, actor, trail }: Context,
  subject: NoteSubject,
  note: Omit<NewNote, "who" | "name">,
): Promise<{ noteid: number }> {
  const noteid = await updates.notes.add(subject, { ...note, who: actor.identity, name: actor.name }, trail);
  if (noteid === undefined) throw errors.notFound("What the note is about was deleted.");
  return { noteid };
}

/** What may be said of a builder and branch. */
export const lineActions = {
  comment: defineAction(comment, (context: ActionContext<BuilderLine>, line: BuilderLine, { text }) => ({
    about: aboutBuilder(context.connection, line),
    perform: () => addNote(context, line, { kind: "comment", words: text }),
  })),
  /** "I am on it", until a build passes. */
  take: defineAction(take, (context: ActionContext<BuilderLine>, line: BuilderLine, { text }) => ({
    about: aboutBuilder(context.connection, line),
    async perform() {
      await checkFailing(context);
      return addNote(context, line, { kind: "take", words: text });
    },
  })),
  mute: defineAction(mute, (context: ActionContext<BuilderLine>, line: BuilderLine, given) => ({
    about: aboutBuilder(context.connection, line),
    async perform() {
      if (given.until_good) await checkFailing(context);
      const { text: words, for_seconds: forSeconds = null, until_good: untilGood } = given;
      return addNote(context, line, { kind: "mute", words, forSeconds, untilGood });
    },
  })),
};

/** What lasts until a build passes would never end. */
async function checkFailing({ reload }: ActionContext<BuilderLine>): Promise<void> {
  const { failing, source } = await reload();
  if (!failing) throw errors.requestInvalid(`The builder does not fail on ${source}.`);
}

/** What may be done to a note. */
export const noteActions = {
  /** Ends a mute or an "I am on it"; empties a comment. */
  withdraw: defineAction(z.object({}), ({ connection, updates, actor, trail }: ActionContext<Note>, note: Note) => ({
    about: async () => ({ ...(await aboutBuilder(connection, note)()), owner: await writerOf(connection, note) }),
    async perform() {
      if (!(await updates.notes.withdraw(note.noteid, actor.name, trail)))
        throw errors.requestInvalid(`The note ${note.noteid} is over already.`);
      return null;
    },
  })),
};

const aboutBuilder =
  (connection: Connection, { builderid }: { readonly builderid: number }): (() => Promise<Subject>) =>
  async () => {
    const rows = await queryRows<{ name: string }>(connection, "select name from builders where id = ?", [builderid]);
    return { builders: rows.map(({ name }) => name) };
  };

async function writerOf(connection: Connection, { noteid }: Note): Promise<string | undefined> {
  return (await queryRows<{ who: string }>(connection, "select who from mm_notes where id = ?", [noteid]))[0]?.who;
}
