import { expect, it } from "vitest";
import { formatLineLink, parseLineLink } from "./log/line-link.ts";
import { matchRoute } from "./match-route.ts";

it("reads the parameters of an address, and rejects addresses of other pages", () => {
  expect(matchRoute("/builders/:builder/builds/:number", "/builders/a%2Fb/builds/7")).toEqual({
    builder: "a/b",
    number: "7",
  });
  expect(matchRoute("/builders", "/builders/")).toEqual({});
  expect(matchRoute("/builders/:builder", "/workers/1")).toBeUndefined();
  expect(matchRoute("/builders/:builder", "/builders/%E0%A4%A")).toEqual({ builder: "%E0%A4%A" });
});

it("reads links to lines", () => {
  expect(parseLineLink("#L12")).toEqual({ from: 12, to: 12 });
  expect(parseLineLink("#L12-L20")).toEqual({ from: 12, to: 20 });
  expect(parseLineLink("#changes")).toBeUndefined();
  expect(["#L12", "#L12-L20"].map((link) => formatLineLink(parseLineLink(link) ?? { from: 0, to: 0 }))).toEqual([
    "#L12",
    "#L12-L20",
  ]);
});
