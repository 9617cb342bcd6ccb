import { type HiddenTexts, nowhere, type Place } from "./hidden-texts.ts";

/** How many characters between those of a secret are looked through; so much more than a secret is held at most. */
const mostBetween = 4096;

const escapeCode = 0x1b;

/** A hidden text in the stream. */
interface Match {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/** How far one way of reading the stream has come into hidden texts. */
interface Reading {
  place: Place;
  /** Where in the stream the characters stand that led there. */
  readonly at: number[];
}

/**
 * Hides secrets in a stream, also where a piece ends within one: what may be the beginning of one waits for the rest. Line
 * breaks and escape sequences within a secret are looked through. Time is in proportion to the stream, and what is held
 * is bounded.
 */
export class StreamMask {
  #texts: HiddenTexts;
  /** What is not shown yet, and where in the stream it begins. */
  #held = "";
  #from = 0;
  /** Everything before this place was shown, or a name was shown for it. */
  #shownTo = 0;
  #lastName = "";
  #matches: Match[] = [];
  /** As it is, but for line breaks; and, after an escape sequence within what may be a secret, without those too. */
  #plain: Reading = { place: nowhere, at: [] };
  #uncoloured: Reading | undefined;
  #sequence: "none" | "begun" | "open" | "text" = "none";

  constructor(texts: HiddenTexts) {
    this.#texts = texts;
  }

  /** What can be shown of the stream now. */
  add(piece: string): string {
    const before = this.#from + this.#held.length;
    this.#held += piece;
    const { begins } = this.#texts;
    for (let i = 0; i < piece.length; i += 1) {
      const code = piece.charCodeAt(i);
      // Nearly always nothing of a secret has begun.
      if (this.#plain.place === nowhere && this.#uncoloured === undefined && begins[code] === 0) continue;
      this.#read(code, before + i);
    }
    return this.#show(this.#findBeginning());
  }

  /** The rest: the stream has ended. */
  end(): string {
    return this.#show(this.#from + this.#held.length);
  }

  #read(code: number, position: number): void {
    if (code === 0x0a || code === 0x0d) {
      this.#giveUpWhereTooLong(position);
      return;
    }
    if (code === escapeCode && this.#plain.place !== nowhere)
      this.#uncoloured ??= { place: this.#plain.place, at: [...this.#plain.at] };
    if (this.#uncoloured !== undefined && !this.#isOfSequence(code)) this.#advance(this.#uncoloured, code, position);
    this.#advance(this.#plain, code, position);
    if (this.#uncoloured?.place === nowhere && this.#sequence === "none") this.#uncoloured = undefined;
    this.#giveUpWhereTooLong(position);
  }

  /** Whether it belongs to an escape sequence: `ESC [ … letter`, `ESC ] … BEL`, or `ESC` and one character. */
  #isOfSequence(code: number): boolean {
    const sequence = this.#sequence;
    if (code === escapeCode) this.#sequence = "begun";
    else if (sequence === "none") return false;
    else if (sequence === "begun") this.#sequence = code === 0x5b ? "open" : code === 0x5d ? "text" : "none";
    else if (sequence === "open" && code >= 0x40 && code <= 0x7e) this.#sequence = "none";
    else if (sequence === "text" && code === 0x07) this.#sequence = "none";
    return true;
  }

  #advance(reading: Reading, code: number, position: number): void {
    const texts = this.#texts;
    reading.place = texts.step(reading.place, code);
    const depth = texts.depthOf(reading.place);
    reading.at.push(position);
    // Not at each step, so that the whole is linear.
    if (depth === 0) reading.at.length = 0;
    else if (reading.at.length > 2 * depth + 64) reading.at.splice(0, reading.at.length - depth);
    const found = texts.foundAt(reading.place);
    if (found === undefined) return;
    const start = reading.at.at(-found.text.length) as number;
    this.#addMatch({ start, end: position + 1, name: found.name });
  }

  /** A longer one takes the place of those within it. */
  #addMatch(match: Match): void {
    while ((this.#matches.at(-1)?.start ?? -1) >= match.start && (this.#matches.at(-1)?.end ?? 0) <= match.end)
      this.#matches.pop();
    const last = this.#matches.at(-1);
    if (last !== undefined && last.start <= match.start && last.end >= match.end) return;
    this.#matches.push(match);
  }

  #beginningOf(reading: Reading): number {
    return reading.at.at(-this.#texts.depthOf(reading.place)) as number;
  }

  /** A secret with so much between its characters is not recognized, rather than everything being held. */
  #giveUpWhereTooLong(position: number): void {
    const most = this.#texts.longest + mostBetween;
    if (this.#plain.place !== nowhere && position - this.#beginningOf(this.#plain) > most)
      this.#plain = { place: nowhere, at: [] };
    const other = this.#uncoloured;
    if (other !== undefined && other.place !== nowhere && position - this.#beginningOf(other) > most) {
      this.#uncoloured = undefined;
      this.#sequence = "none";
    }
  }

  /** Where what was read may be the beginning of a secret; its end if nowhere. */
  #findBeginning(): number {
    let beginning = this.#from + this.#held.length;
    if (this.#plain.place !== nowhere) beginning = Math.min(beginning, this.#beginningOf(this.#plain));
    const other = this.#uncoloured;
    if (other !== undefined && other.place !== nowhere) beginning = Math.min(beginning, this.#beginningOf(other));
    return beginning;
  }

  #show(to: number): string {
    let shown = "";
    const take = (end: number) => {
      if (end > this.#shownTo) {
        shown += this.#held.slice(this.#shownTo - this.#from, end - this.#from);
        this.#shownTo = end;
        this.#lastName = "";
      }
    };
    let done = 0;
    for (const { start, end, name } of this.#matches) {
      if (start >= to) break;
      done += 1;
      if (end <= this.#shownTo) continue;
      take(start);
      // Of those that overlap each is named once.
      if (start >= this.#shownTo || name !== this.#lastName) shown += `<${name}>`;
      this.#lastName = name;
      this.#shownTo = end;
    }
    this.#matches.splice(0, done);
    take(to);
    const rest = Math.max(to, this.#from);
    this.#held = this.#held.slice(rest - this.#from);
    this.#from = rest;
    return shown;
  }
}
