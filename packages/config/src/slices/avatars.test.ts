import { describe, expect, it } from "vitest";
import { avatars } from "./avatars.ts";

describe("avatars", () => {
  it("are initials unless a config says otherwise", () => {
    expect(avatars.parse(undefined)).toBe("initials");
    expect(avatars.parse("none")).toBe("none");
    expect(avatars.parse("https://avatars.example.org/{sha256}?s={size}")).toContain("{sha256}");
  });

  it.each([
    ["http://avatars.example.org/{sha256}", "an https address such as"],
    ["https://avatars.example.org/{name}", "{name} is unknown"],
    ["https://avatars.example.org/all.png", "must name the author"],
    ["https://{email}/x", "an https address such as"],
    ["https://a.example.org/{md5}; script-src *", "an https address such as"],
    ["gravatar", 'must be \\"initials\\", \\"none\\"'],
  ])("refuses %s", (address, sentence) => {
    const answer = avatars.safeParse(address);
    expect(answer.success).toBe(false);
    expect(JSON.stringify(answer.error?.issues)).toContain(sentence);
  });
});
