import { describe, expect, it } from "vitest";
import { createHostCheck } from "./own-host.ts";

const isOwn = createHostCheck(["ci.example.org", undefined, "CI-internal:8010", "[fd00::1]"]);

describe("the name by which a master is asked", () => {
  it.each([
    undefined,
    "",
    "localhost",
    "LOCALHOST:8010",
    "a.localhost:8010",
    "127.0.0.1",
    "127.0.0.1:8010",
    "10.1.2.3:80",
    "[::1]",
    "[::1]:8010",
    "[fd00::9]:80",
    "ci.example.org",
    "ci.example.org:443",
    "ci.example.org.",
    "Ci.Example.ORG.:80",
    "ci-internal",
  ])("is its own: %s", (host) => expect(isOwn(host)).toBe(true));

  it.each([
    "evil.example",
    "evil.example:8010",
    "ci.example.org.evil.example",
    "evil-ci.example.org",
    "x.ci.example.org",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "localhost..",
    "notlocalhost",
    "127.1",
    "0x7f000001",
    "2130706433",
    "127.0.0.1:8010:80",
    "[evil.example]:80",
    "[::1",
    "[::1].evil.example",
    ":8010",
    ".",
    "ci.example.org ",
    "user@ci.example.org",
    "ci.example.org/",
    "ci\u212axample",
  ])("is a stranger's: %s", (host) => expect(isOwn(host)).toBe(false));
});
