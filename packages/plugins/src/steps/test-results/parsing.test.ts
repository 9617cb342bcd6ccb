import { afterEach, describe, expect, it } from "vitest";
import { Parsing, ParsingFailed } from "./parsing.ts";

let parsing: Parsing;
afterEach(() => parsing.drop());

const bytes = (text: string) => Buffer.from(text);

async function parse(text: string): Promise<string[]> {
  const { tests } = await parsing.write(bytes(text));
  return [...tests, ...(await parsing.end()).tests].map(({ name }) => name);
}

describe("parsing in a thread", () => {
  it("ends when it takes too much memory, and the next file has a thread of its own", async () => {
    parsing = new Parsing("junit", {
      limits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 4 },
    });
    // In few large pieces: near its limit a thread collects garbage at each of many small ones, for minutes on a busy machine.
    const flood = async () => {
      await parsing.write(bytes("<testsuite "));
      for (let at = 0; ; at++) await parsing.write(bytes(`a${at}="${"x".repeat(400_000)}" `));
    };
    await expect(flood()).rejects.toThrow(new ParsingFailed("parsing it takes more than 16 MiB of memory"));
    expect(await parse("<testsuite><testcase name='a'/></testsuite>")).toEqual(["a"]);
  });

  it("ends when it takes too long", async () => {
    parsing = new Parsing("junit", { deadlineMs: 0 });
    await expect(parsing.write(bytes("<testsuite>"))).rejects.toThrow(
      new ParsingFailed("parsing did not end within 0 s"),
    );
  });

  it("forgets a file that is given up", async () => {
    parsing = new Parsing("junit");
    await parsing.write(bytes("<testsuite><testcase"));
    await parsing.drop();
    expect(await parse("<testsuite><testcase name='b'/></testsuite>")).toEqual(["b"]);
  });
});
