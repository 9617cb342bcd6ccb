import { expect, it } from "vitest";
import { pictureAddress, pictureService } from "./picture-address.ts";

const template = "https://avatars.example.org/{md5}?s={size}&of={email}";

it("names an author by the address in the name, in lower case", () => {
  expect(pictureAddress(template, "Ann Example <Ann@Example.org>", 40)).toBe(
    "https://avatars.example.org/8b5a6a28fc840441be692d74a81ccd1a?s=40&of=ann%40example.org",
  );
  expect(pictureAddress(template, "ann", 40)).toBeUndefined();
  expect(pictureAddress("https://x.example/{email}", "a <a/../../b?c@d.example>", 1)).toBe(
    "https://x.example/a%2F..%2F..%2Fb%3Fc%40d.example",
  );
});

it("has an origin that the page's policy admits, and none where no one is asked", () => {
  expect(pictureService(template)).toBe("https://avatars.example.org");
  expect(pictureService("initials")).toBeUndefined();
});
