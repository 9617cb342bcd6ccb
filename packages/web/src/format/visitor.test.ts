import { expect, it } from "vitest";
import { isBy, nameActor, type Visitor } from "./visitor.ts";

const ann: Visitor = {
  anonymous: false,
  username: "ann",
  full_name: "Ann Example",
  email: "ann@example.org",
  auth: { name: "GitHub" },
};

it.each([
  ["Ann Example <ann@elsewhere.org>", true],
  ["A. E. <Ann@Example.org>", true],
  ["ann@example.org", true],
  ["ann", true],
  ["Joanna <joann@example.org>", false],
  ["ann@example.org.evil", false],
  ["", false],
])("whether %j is Ann: %j", (author, expected) => {
  expect(isBy(ann, author)).toBe(expected);
});

it("an author without a name and an address is not a visitor without them", () => {
  expect(isBy({ ...ann, username: "ann", full_name: null, email: null }, "<>")).toBe(false);
});

it.each([
  ["user:ann", "Ann", "Ann"],
  ["anonymous", "anonymous", "anonymous"],
  ["anonymous", "ann", "anonymous (as ann)"],
])("%s who is called %s shows as %s", (who, name, shown) => {
  expect(nameActor(who, name)).toBe(shown);
});
