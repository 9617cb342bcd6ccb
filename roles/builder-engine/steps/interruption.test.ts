import { Results } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { combine, type Interruption, mayGoOn } from "./interruption.ts";

const cancelled: Interruption = { kind: "stopped", reason: "not needed", results: Results.CANCELLED };
const givenBack: Interruption = { kind: "stopped", reason: "master stopped", results: Results.RETRY };
const lost: Interruption = { kind: "lost", reason: "gone", results: Results.RETRY };
const abandoned: Interruption = { kind: "abandoned", reason: "lease lost", results: Results.RETRY };

describe("interruptions of a build", () => {
  it("amount to the more serious one", () => {
    expect(combine(undefined, givenBack)).toBe(givenBack);
    expect(combine(givenBack, lost)).toBe(lost);
    expect(combine(abandoned, lost)).toBe(abandoned);
  });

  it("never run a cancelled build again", () => {
    expect(combine(cancelled, lost)).toEqual({ kind: "lost", reason: "not needed", results: Results.CANCELLED });
    expect(combine(givenBack, cancelled)).toMatchObject({ results: Results.CANCELLED });
  });

  it("let nothing follow a build that a user has stopped again, whatever comes before or after", () => {
    const repeated: Interruption = { ...cancelled, isRepeated: true };
    const both = combine(cancelled, repeated);
    expect(both).toEqual(repeated);
    expect([both, combine(repeated, cancelled), combine(combine(repeated, lost), cancelled)].map(mayGoOn)).toEqual([
      false,
      false,
      false,
    ]);
  });

  it("let steps that always run follow only a build stopped for good", () => {
    expect([undefined, cancelled, givenBack, lost, abandoned].map(mayGoOn)).toEqual([true, true, false, false, false]);
  });
});
