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

  it("stay hidden after a new config, and so does what builds learn that began before it", () => {
    const former = new Secrets({ token: "old value" });
    const build = former.forBuild();
    former.add("login", "learnt before");
    const next = new Secrets({ token: "new value" });
    next.keepHidden(former);
    build.add("login", "learnt after");
    expect(next.forBuild().hide("old value, new value, learnt before, learnt after")).toBe(
      "<token>, <token>, <login>, <login>",
    );
    expect(next.get("token")).toBe("new value");
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

  it("are replaced where a property has them as a number", () => {
    const digits = new Secrets({ pin: "90210441" });
    expect(digits.hideIn({ a: 90210441, b: [190210441.5], c: 9021 })).toEqual({ a: "<pin>", b: ["1<pin>.5"], c: 9021 });
  });

  it.each([
    ["JSON", String.raw`{"p":"a\"b\\c'd&e<f"}`, `{"p":"<odd>"}`],
    ["a shell that shows its commands", String.raw`+ login 'a"b\c'\''d&e<f'`, "+ login '<odd>'"],
    ["XML", String.raw`<p>a"b\c'd&amp;e&lt;f</p>`, "<p><odd></p>"],
    ["an attribute of XML", String.raw`<p a="a&quot;b\c'd&amp;e&lt;f"/>`, '<p a="<odd>"/>'],
    ["an attribute of HTML", String.raw`<p a='a&quot;b\c&#39;d&amp;e&lt;f'>`, "<p a='<odd>'>"],
  ])("are replaced as they stand in %s", (_, text, shown) => {
    expect(new Secrets({ odd: String.raw`a"b\c'd&e<f` }).hide(text)).toBe(shown);
  });

  it.each(["wild~**()!", "wild~%2A%2A%28%29%21", "wild%7E%2A%2A%28%29%21", "wild%7E**%28%29%21"])(
    "are replaced as programs of other languages write them in URLs: %s",
    (text) => {
      expect(new Secrets({ wild: "wild~**()!" }).hide(text)).toBe("<wild>");
    },
  );

  it("are named in the error when they do not exist", () => {
    expect(() => secrets.get("tokn")).toThrow('there is no secret "tokn" (have: token, longer, odd, key)');
    expect(secrets.get("token")).toBe("s3cr3t-t0ken");
  });

  it("cost nothing when there are none", () => {
    expect(new Secrets().streamMask()).toBeUndefined();
  });

  it("are replaced where colours and other escape sequences are within them", () => {
    const coloured = "x \u001b[01;31ms3cr3t\u001b[0m-t0\u001b[K\nken \u001b[1my";
    expect(masked(coloured)).toEqual(new Set(["x \u001b[01;31m<token> \u001b[1my"]));
    expect(masked("s3cr\u001b]8;;http://x\u0007\u001b(3t-t0ken")).toEqual(new Set(["<token>"]));
    // What follows a bracket may be a part of the sequence, or of the secret.
    expect(masked("\u001b[s3cr3t-t0ken")).toEqual(new Set(["\u001b[<token>"]));
    expect(masked("\u001b[31m s3cr3t- \u001b[0m t0ken")).toEqual(new Set(["\u001b[31m s3cr3t- \u001b[0m t0ken"]));
  });

  it.each([
    ["what `tput sgr0` prints", "\u001b(B\u001b[m"],
    ["a character set with two intermediates", "\u001b$(C"],
    ["a string (DCS)", "\u001bP1$r0m\u001b\\"],
    ["a string that BEL ends (APC)", "\u001b_x\u0007"],
    ["a colour by C1", "\u009b01;31m"],
    ["a link by C1", "\u009d8;;http://x\u009c"],
    ["a string by C1", "\u0090x\u001b\\"],
    ["a single C1", "\u0085"],
  ])("are replaced where within them is %s", (_what, sequence) => {
    expect(masked(`x s3cr${sequence}3t-t0k${sequence}en y`)).toEqual(new Set(["x <token> y"]));
  });

  it("that overlap are replaced together, whatever is shown of neither", () => {
    const overlapping = new Secrets({ a: "abcd1234", b: "1234efgh", c: "xyxy" });
    const shown = (text: string) => {
      const mask = overlapping.streamMask();
      return [...text].map((char) => mask?.add(char)).join("") + mask?.end();
    };
    for (const hide of [(text: string) => overlapping.hide(text), shown]) {
      expect(hide("-abcd1234efgh-")).toBe("-<a><b>-");
      expect(hide("-abcd1234abcd1234-")).toBe("-<a><a>-");
      expect(hide("-xyxyxyxyxyx-")).toBe("-<c>x-");
    }
  });

  it("are replaced in base64, wherever they stand in it, and in URLs", () => {
    for (const before of ["", "x", "xy", "xyz"])
      for (const after of ["", "1", "12", "\n"]) {
        const encoded = Buffer.from(`${before}s3cr3t-t0ken${after}`).toString("base64");
        expect(secrets.hide(encoded)).toContain("<token>");
        expect(secrets.hide(encoded).length).toBeLessThan("<token>".length + 10);
        expect(secrets.hide(encoded.replace(/(.{5})/g, "$1\n"))).toContain("<token>");
      }
    expect(secrets.hide(Buffer.from(key).toString("base64"))).toMatch(/^<key>.{0,2}$/);
    expect(secrets.hide(Buffer.from("-a+b(c)[d]$").toString("base64url"))).toContain("<odd>");
    expect(secrets.hide(`?q=${encodeURIComponent("a+b(c)[d]$")}&x`)).toBe("?q=<odd>&x");
    expect(secrets.hide("?q=a%2bb%28c%29%5bd%5d%24&x")).toBe("?q=<odd>&x");
    const path = new Secrets({ token: "S3cr3t/va+lue=" });
    for (const form of ["S3cr3t/va%2Blue%3D", "S3cr3t%2Fva%2Blue%3D", "S3cr3t%2Fva+lue%3D", "S3cr3t%2fva%2blue%3d"])
      expect(path.hide(`https://ci:${form}@example.org`)).toBe("https://ci:<token>@example.org");
  });

  it("hold back no more than a few kilobytes, in time proportional to the stream", () => {
    const mask = secrets.streamMask();
    let held = 0;
    for (const piece of [
      "-----BEGIN",
      ..."\n"
        .repeat(100)
        .split("")
        .map(() => "\n".repeat(10_000)),
      "s3cr3t-",
      "\u001b[0m".repeat(10_000),
    ]) {
      held += piece.length - (mask?.add(piece).length ?? 0);
      expect(held).toBeLessThan(6000);
    }
    expect(mask?.end().length).toBe(held);
    const flood = secrets.streamMask();
    for (let i = 0; i < 200_000; i += 1) flood?.add("-\n");
    expect(flood?.end()).toBeDefined();
  });

  it("are hidden where a text was cut within them: at its end, and before an ellipsis", () => {
    const secrets = new Secrets({ jwt: `eyJhbGciOi.${"JwtBody0".repeat(20)}` });
    expect(secrets.hide("'echo eyJhbGciOi.JwtBody0Jwt…'")).toBe("'echo <secret>…'");
    expect(secrets.hide("warning: eyJhbGci")).toBe("warning: <secret>");
    expect(secrets.hide("eyJhbGciOi… and eyJhbGciOi.Jwt…")).toBe("<secret>… and <secret>…");
    expect(secrets.hideIn({ a: ["x eyJhbGciOi"] })).toEqual({ a: ["x <secret>"] });
    expect(secrets.hide("say eyJhb… and eyJhbGciOi. no more")).toBe("say eyJhb… and eyJhbGciOi. no more");
  });

  it("leave everything else as it was, however it is cut", () => {
    const text = "-----BEGIN\u001b[31m CERT-----\n\r\ns3cr3t_\u001b[0m\u001b]x\u0007 s3cr3t\u001b";
    expect(masked(text)).toEqual(new Set([text]));
  });
});
