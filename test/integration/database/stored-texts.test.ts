import { findFreeName, hashColumns, truncateText } from "@multimaster/database";
import { describe, expect, it } from "vitest";

describe("what is stored", () => {
  it("is hashed as Buildbot hashes it", () => {
    expect(hashColumns("hello")).toBe("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
    expect(hashColumns("main", "", "https://example.org/r.git", "demo", "", null)).toBe(
      "0aa87199c2bb7a8ff1dc26a2aa5f55cae3e7c009",
    );
    expect(hashColumns("a", null)).not.toBe(hashColumns("a", ""));
  });

  it("is cut between characters, never within one", () => {
    expect(truncateText("a😀b😀c", 4)).toBe("a😀b😀");
    expect(truncateText("a😀", 1)).toBe("a");
    expect(truncateText("abc", 3)).toBe("abc");
    expect(truncateText("\ud800\0", 5)).toBe("\ufffd\ufffd");
  });

  it("gets a free name by counting", () => {
    expect(findFreeName("a", new Set(), 2)).toBe("a");
    expect(findFreeName("a", new Set(["a", "a_2"]), 2)).toBe("a_3");
    expect(findFreeName("x".repeat(50), new Set(["x".repeat(50)]), 1)).toBe(`${"x".repeat(48)}_1`);
  });
});
