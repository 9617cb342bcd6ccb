import { describe, expect, it } from "vitest";
import { Secrets } from "./secrets.ts";

const key = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\nq83vEjRWeJq8\n-----END KEY-----\n";
const secrets = new Secrets({ token: "s3cr3t-t0ken", longer: "s3cr3t-t0ken-2", odd: "a+b(c)[d]$", key });

/** Everything that comes out of a stream cut at every place into two, and into single characters. */
function masked(text: string): Set<string> {
  const cuts = Array.from({ length: text.length + 1 }, (_, i) => [text.slice(0, i), text.slice(i)]);
  return new Set(
    [...cuts, [...text]].map((pieces) => {
      const mask = secrets.streamMask();
      return pieces.map((piece) => mask?.add(piece)).join("") + mask?.end();
    }),
  );
}

describe("secrets", () => {
  it("are replaced by their names, the longer before the shorter", () => {
    expect(secrets.hide("x s3cr3t-t0ken y s3cr3t-t0ken-2 z a+b(c)[d]$")).toBe("x <token> y <longer> z <odd>");
  });

  it("are replaced in a stream, wherever it is cut", () => {
    expect(masked("x s3cr3t-t0ken y s3cr3t-t0ken-2\nz s3cr3t-")).toEqual(new Set(["x <token> y <longer>\nz s3cr3t-"]));
  });

  it("are replaced where a line break is within them", () => {
    expect(masked("x s3cr3t-\nt0ken y s3c\r\nr3t-t0k\nen")).toEqual(new Set(["x <token> y <token>"]));
  });

  it("hold nothing back for a flood of line breaks, whatever came before it", () => {
    const mask = secrets.streamMask();
    let shown = 0;
    for (let n = 0; n < 200; n += 1) shown += mask?.add(`-${"\n".repeat(10_000)}`).length ?? 0;
    expect(shown).toBeGreaterThan(200 * 10_001 - 100);
    shown += mask?.add("s3cr3t-t0ke").length ?? 0;
    expect(shown).toBe(200 * 10_001);
    expect(mask?.add(`${"\n".repeat(8)}n.`)).toBe("<token>.");
  });

  it("of several lines are replaced as a whole, and line by line", () => {
    expect(masked(`key:\n${key}end\n`)).toEqual(new Set(["key:\n<key>\nend\n"]));
    expect(masked("  MIIEowIBAAKCAQEA\n")).toEqual(new Set(["  <key>\n"]));
  });

  it("are replaced in every text of a property", () => {
    expect(secrets.hideIn({ a: ["s3cr3t-t0ken", 1, null], b: { "s3cr3t-t0ken": true } })).toEqual({
      a: ["<token>", 1, null],
      b: { "<token>": true },
    });
  });

  it("are told by name when there is none of that name", () => {
    expect(() => secrets.get("tokn")).toThrow('there is no secret "tokn" (have: token, longer, odd, key)');
    expect(secrets.get("token")).toBe("s3cr3t-t0ken");
  });

  it("cost nothing when there are none", () => {
    expect(new Secrets().streamMask()).toBeUndefined();
  });
});
