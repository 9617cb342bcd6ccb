import { expect, it } from "vitest";
import { colourOf, initialsOf } from "./initials.ts";

it("takes the first letters of the name, or of the address", () => {
  expect(initialsOf("Ann Example <ann@example.org>")).toBe("AE");
  expect(initialsOf("bob@example.org")).toBe("B");
  expect(initialsOf("Ömer Çelik Şahin")).toBe("ÖÇ");
  expect(initialsOf("<>")).toBe("?");
});

it("gives an author the same colour each time", () => {
  expect(colourOf("Ann <ann@example.org>")).toBe(colourOf("ann <ANN@example.org>"));
  expect(colourOf("Ann <ann@example.org>")).toBeLessThan(12);
});
