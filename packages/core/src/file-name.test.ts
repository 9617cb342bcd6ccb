import { describe, expect, it } from "vitest";
import { toFileName } from "./file-name.ts";

describe("a name as that of a file", () => {
  it.each(["web", "a_b", "linux-x86_64", "v1.2.3", "_", "-x", "Web"])("stays as it is where it is plain: %s", (name) =>
    expect(toFileName(name)).toBe(name),
  );

  it("is one of its own, and safe, whatever it is", () => {
    const names = [
      "构建",
      "测试",
      "a b",
      "a/b",
      "a_b",
      "a  b",
      "A b",
      ".",
      "..",
      "...",
      ".git",
      "",
      " ",
      "ä",
      "a\u0308",
      "🦆",
      "a\nb",
      `${"x".repeat(70)}é`,
      `${"x".repeat(70)}è`,
      "x".repeat(300),
      `${"x".repeat(300)}y`,
      "__",
      "../x",
      "C:\\x",
    ];
    const files = names.map(toFileName);
    expect(new Set(files).size).toBe(names.length);
    for (const file of files) expect(file).toMatch(/^(?!\.+$)[a-zA-Z0-9._-]{1,99}$/);
  });
});
