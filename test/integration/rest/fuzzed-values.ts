import fc from "fast-check";

/** Values that programs stumble over, as they may come in JSON. */
export const nasty: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      null,
      true,
      0,
      -1,
      1e21,
      2 ** 53,
      0.5,
      "",
      " ",
      "\0",
      "a\0b",
      "\ud800",
      "\u{1f600}",
      "%00",
      "../..",
      "x".repeat(300),
    ],
    ...[
      "__proto__",
      "constructor",
      "9".repeat(30),
      "-1",
      "1e9",
      "NaN",
      "' or 1=1 --",
      "{}",
      "[",
      "refs/heads/",
      "2026-13-99",
    ],
    ...[[], {}, [null], [[]], [{}], { toString: 1, valueOf: 1 }, [{ toString: null }], { length: -1 }, { 0: "a" }],
    JSON.parse('{"__proto__": {"x": 1}, "constructor": null}'),
    Array.from({ length: 60 }).reduce((inner) => ({ a: [inner] }), 1),
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as unknown),
);

/** The same as text. */
export const nastyText = nasty.map((value) => (typeof value === "string" ? value : JSON.stringify(value)));

/** Text as it may stand in an address: any byte, encoded or half encoded. */
export const nastyPart = fc.oneof(
  fc
    .uint8Array({ maxLength: 12 })
    .map((bytes) => [...bytes].map((b) => `%${b.toString(16).padStart(2, "0")}`).join("")),
  fc.constantFrom(
    "%",
    "%zz",
    "%00",
    "%e0%80",
    "..",
    ".",
    "*",
    "-1",
    "0",
    "9".repeat(30),
    "%2f",
    "%5c",
    "__proto__",
    "",
  ),
  nastyText.map((text) => encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"))),
);

/** The same object with one or two of its values replaced by others, wherever they lie. */
export function spoil(payload: unknown): fc.Arbitrary<unknown> {
  const places = listPlaces(payload);
  return fc
    .array(fc.tuple(fc.constantFrom(...places), fc.option(nasty, { nil: undefined })), { minLength: 1, maxLength: 2 })
    .map((changes) => {
      const copy = structuredClone(payload);
      for (const [place, value] of changes) put(copy, place, value);
      return copy;
    });
}

type Place = readonly string[];

function listPlaces(value: unknown, at: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [at];
  const inner = Object.entries(value).flatMap(([key, each]) => listPlaces(each, [...at, key]));
  return at.length === 0 ? inner : [at, ...inner];
}

/** Undefined takes it out. */
function put(object: unknown, place: Place, value: unknown): void {
  let holder = object as Record<string, unknown>;
  for (const key of place.slice(0, -1)) {
    holder = holder[key] as Record<string, unknown>;
    // The other change may have replaced what this one is in.
    if (typeof holder !== "object" || holder === null) return;
  }
  holder[place.at(-1) as string] = value;
}
