import { describe, expect, it } from "vitest";
import { avatars } from "./avatars.ts";

describe("avatars", () => {
  it("are initials unless a config says otherwise", () => {
    expect(avatars.parse(undefined)).toBe("initials");
    expect(avatars.parse("none")).toBe("none");
    expect(avatars.parse("https://avatars.example.org/{sha256}?s={size}")).toContain("{sha256}");
  });

  it.each([
    ["http://avatars.example.org/{sha256}", "must be an https address"],
    ["https://avatars.example.org/{name}", "{name} is unknown"],
    ["https://avatars.example.org/all.png", "must name the author"],
    ["https://{email}/x", "must be an https address"],
    ["https://a.example.org/{md5}; script-src *", "must be an https address"],
    ["gravatar", "must name the author"],
  ])("refuses %s", (address, sentence) => {
    const answer = avatars.safeParse(address);
    expect(answer.success).toBe(false);
    expect(JSON.stringify(answer.error?.issues)).toContain(sentence);
  });
});
