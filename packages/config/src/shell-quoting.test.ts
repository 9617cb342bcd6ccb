import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { interpolate, type RenderContext, renderCommand } from "./renderable.ts";

function buildWith(value: string): RenderContext {
  return {
    build: { buildid: 1, buildrequestid: 1, number: 1 },
    property: () => value,
    secret: () => value,
    source: () => undefined,
  };
}

const command = (template: string, value: string, system = "posix") =>
  renderCommand(interpolate(template), buildWith(value), system) as Promise<string>;

/** What people could put into a branch, an author's name or a field of a form. */
const hostile = [
  "x; echo INJECTED",
  "$(echo INJECTED)",
  "`echo INJECTED`",
  "'; echo INJECTED; '",
  '"; echo INJECTED; "',
  "'\"'\"; echo INJECTED #",
  "\\'; echo INJECTED #",
  "a\necho INJECTED\n",
  "a && echo INJECTED || x",
  "$HOME ${PATH} \\$HOME",
  "*",
  "~root",
  "#no comment",
  "",
  " two  words ",
  "2",
  "ü 漢字 'é'",
  "\\",
  "end\\",
];

/** Where a template may have a value: what the shell must print is the value itself, and nothing is run. */
const templates: [template: string, printed: (value: string) => string][] = [
  ["printf %s ${v}", (v) => v],
  ["printf %s TARGET=${v}", (v) => `TARGET=${v}`],
  ["printf %s ${v}${v}", (v) => v + v],
  ["printf %s 'a ${v} b'", (v) => `a ${v} b`],
  ['printf %s "a ${v} b"', (v) => `a ${v} b`],
  ['printf %s "it\'s ${v}"', (v) => `it's ${v}`],
  ["printf %s 'say \"'${v}", (v) => `say "${v}`],
  ["printf %s \\'${v}", (v) => `'${v}`],
  ['printf %s "\\"${v}"', (v) => `"${v}`],
  ["# don't\nprintf %s ${v}", (v) => v],
  ["printf %s a\\\n#'${v}'", (v) => `a#${v}`],
  ["printf %s \\\n# don't\nprintf %s ${v}", (v) => v],
  ["(printf %s ${v})", (v) => v],
  ['printf %s "$(printf %s. ${v})"', (v) => `${v}.`],
  ["printf %s \"$(printf %s. '${v}')${v}\"", (v) => `${v}.${v}`],
  ["printf %s ${v}>&1", (v) => v],
  ['NAME=n; printf %s "$${NAME}$NAME ${v}"', (v) => `nn ${v}`],
  ["case x in y) false;; x) printf %s ${v};; esac", (v) => v],
  ["printf %s ${absent:-fallback}", (v) => v || "fallback"],
];

/** Where no quoting helps. */
const refused = [
  "echo `echo ${v}`",
  "echo `date` ${v}",
  "cat <<END\n${v}\nEND",
  "echo $((1 + ${v}))",
  "echo $[1 + ${v}]",
  "((x = ${v}))",
  "echo $'${v}'",
  "true # ${v}",
  "echo \\${v}",
  'echo "$(case a in a) echo ${v};; esac)"',
  "echo a) ${v}",
  "[[ ${v} -eq 1 ]] && make",
];

describe("a value in a text that a shell reads", () => {
  it.each(templates)("is data in %s", async (template, printed) => {
    const texts = await Promise.all(hostile.map((value) => command(template, value)));
    const script = texts.join("\nprintf '\\001'\n");
    const output = execFileSync("/bin/sh", ["-c", script], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    expect(output.split("\u0001")).toEqual(hostile.map(printed));
  });

  it.each(refused)("is refused in %s", async (template) => {
    await expect(command(template, "x")).rejects.toThrow(/^\$\{v\}: it cannot be quoted .*; pass it in env/);
  });

  it("stays as it is where it needs no quotes, or the config says raw", async () => {
    expect(await command("make ${v} && ls", "release-1.2/x_y")).toBe("make release-1.2/x_y && ls");
    expect(await command("ls [[:alpha:]]*${v}", "x")).toBe("ls [[:alpha:]]*x");
    expect(await command("make ${raw:v}", "a; b")).toBe("make a; b");
    expect(await command("make $${v} $HOME", "x")).toBe("make ${v} $HOME");
    expect(interpolate("${raw:v} ${v}")(buildWith("a; b"))).toBe("a; b a; b");
  });

  it("is one word within braces, too, which some shells make several words of", async () => {
    expect(await command("ls {a,${v}}", "b,c")).toBe("ls {a,'b,c'}");
    expect(await command("ls {${v}}", "1..999999999")).toBe("ls {'1..999999999'}");
  });

  it("is not touched in a list", async () => {
    expect(await renderCommand(["make", interpolate("V=${v}")], buildWith("a; b"), "posix")).toEqual([
      "make",
      "V=a; b",
    ]);
    expect(await renderCommand(() => ["make", interpolate("${v}")], buildWith("a b"), "nt")).toEqual(["make", "a b"]);
  });

  it("is quoted when a function returns the text of interpolate", async () => {
    expect(await renderCommand(async () => interpolate("make ${v}"), buildWith("a b"), "posix")).toBe("make 'a b'");
  });

  it("on a Windows worker is taken only if it needs no quotes", async () => {
    expect(await command("nmake V=${v}", "1.2-rc", "nt")).toBe("nmake V=1.2-rc");
    for (const value of ["a b", "%PATH%", "a&calc", 'a"b', "a^b", "a\nb", "!x!"])
      await expect(command('nmake "V=${v}"', value, "nt")).rejects.toThrow("for a Windows worker");
  });
});
