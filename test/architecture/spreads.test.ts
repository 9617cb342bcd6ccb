import { describe, expect, it } from "vitest";
import { listFiles, readSource } from "./source-files.ts";

/** A call that takes its arguments from a list: each needs room on the stack, and some hundred thousand are too many. */
const spread =
  /(?:\bMath\.(?:min|max)|String\.from(?:CharCode|CodePoint)|[\w)\]]\??\.(?:push|unshift|splice|concat))\((?:[^(){}[\]]*,\s*)?\.\.\./g;

/** Where the length of the list is bounded by the line itself. */
const bounded = /\.\.\.\w+\.slice\(|\.\.\.\[|Math\.(?:min|max)\([^()]*\.\.\.args/;

function findSpreads(source: string): string[] {
  return source
    .split("\n")
    .filter((line) => !/^\s*(?:\*|\/\/|\/\*)/.test(line) && line.match(spread) !== null && !bounded.test(line))
    .map((line) => line.trim());
}

describe("a list of unknown length", () => {
  it("is not spread into the arguments of a call: use findLeast, findGreatest or append of core", () => {
    const code = listFiles().filter((file) => /^(packages|roles|configs)\/.*\.(ts|tsx|mjs)$/.test(file));
    const product = code.filter((file) => !/\.(test|contract)\.tsx?$/.test(file));
    const found = product.flatMap((file) => findSpreads(readSource(file)).map((line) => `${file}: ${line}`));
    expect(found).toEqual([]);
  });

  it("is recognised in every form", () => {
    for (const line of [
      "Math.min(...ages)",
      "Math.max(1, ...ages.map((age) => age))",
      "list.push(...rows)",
      "this.#list.push(...(await read()))",
      "all.list?.unshift(first, ...rows)",
      "String.fromCharCode(...bytes)",
    ])
      expect([line, findSpreads(line)]).toEqual([line, [line]]);
    for (const line of [
      "Math.min(a, b)",
      "list.push({ ...row })",
      "f(...args)",
      "// Math.min(...x)",
      "list.push([...a])",
    ])
      expect([line, findSpreads(line)]).toEqual([line, []]);
  });
});
