import {
  mayBeginSequence,
  type SequenceState,
  type SequenceStep,
  shortSequence,
  wholeSequence,
} from "./escape-sequences.ts";
import { type HiddenTexts, nowhere, type Place } from "./hidden-texts.ts";

/** How many characters between those of a secret are looked through; so much more than a secret is held at most. */
const mostBetween = 4096;

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

/** One that passes over escape sequences. */
interface Uncoloured extends Reading {
  readonly step: SequenceStep;
  sequence: SequenceState;
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
  /**
   * As it is, but for line breaks; and, after an escape sequence within what may be a secret, without those too: once for
   * each way to find where they end.
   */
  #plain: Reading = { place: nowhere, at: [] };
  #uncoloured: Uncoloured[] = [];

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
      if (this.#plain.place === nowhere && this.#uncoloured.length === 0 && begins[code] === 0) continue;
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
    if (this.#plain.place !== nowhere && mayBeginSequence(code)) this.#beginUncoloured();
    for (const reading of this.#uncoloured) {
      const sequence = reading.step(reading.sequence, code);
      if (sequence === undefined) this.#advance(reading, code, position);
      else reading.sequence = sequence;
    }
    this.#advance(this.#plain, code, position);
    if (this.#uncoloured.length > 0) this.#keepUncoloured((one) => one.place !== nowhere || one.sequence !== "none");
    this.#giveUpWhereTooLong(position);
  }

  #beginUncoloured(): void {
    for (const step of [shortSequence, wholeSequence]) {
      if (this.#uncoloured.some((one) => one.step === step)) continue;
      this.#uncoloured.push({ place: this.#plain.place, at: [...this.#plain.at], step, sequence: "none" });
    }
  }

  #keepUncoloured(isKept: (reading: Uncoloured) => boolean): void {
    if (!this.#uncoloured.every(isKept)) this.#uncoloured = this.#uncoloured.filter(isKept);
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
    this.#keepUncoloured((one) => one.place === nowhere || position - this.#beginningOf(one) <= most);
  }

  /** Where what was read may be the beginning of a secret; its end if nowhere. */
  #findBeginning(): number {
    let beginning = this.#from + this.#held.length;
    if (this.#plain.place !== nowhere) beginning = Math.min(beginning, this.#beginningOf(this.#plain));
    for (const other of this.#uncoloured)
      if (other.place !== nowhere) beginning = Math.min(beginning, this.#beginningOf(other));
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
