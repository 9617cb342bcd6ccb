import type { Change, RequestDetails, SourceStamp } from "@multimaster/data";
import { describe, expect, it } from "vitest";
import { makeBuildProperties } from "./build-properties.ts";

const stamp = (more: Partial<SourceStamp>) =>
  ({
    ssid: 1,
    branch: "main",
    revision: "abc",
    repository: "r",
    project: "p",
    codebase: "",
    patch: null,
    ...more,
  }) as SourceStamp;
const change = (author: string, properties: Record<string, [string, string]> = {}) =>
  ({ changeid: 1, author, properties, sourcestamp: { ssid: 1 } }) as unknown as Change;

function make(request: Partial<RequestDetails>, builder = {}, worker = {}) {
  return makeBuildProperties({
    request: {
      buildrequestid: 1,
      buildsetid: 1,
      builderid: 2,
      reason: "",
      waitedFor: false,
      properties: {},
      sourceStamps: [stamp({})],
      changes: [],
      ...request,
    },
    builder: { builderid: 2, name: "b", properties: builder },
    worker: { name: "w", basedir: "/w", properties: worker },
    buildNumber: 7,
    builddir: "/w/b",
  }).toJSON();
}

describe("the properties a build starts with", () => {
  it("name build, builder, worker and source", () => {
    expect(make({})).toEqual({
      branch: ["main", "Build"],
      revision: ["abc", "Build"],
      repository: ["r", "Build"],
      project: ["p", "Build"],
      codebase: ["", "Build"],
      buildername: ["b", "Builder"],
      builderid: [2, "Builder"],
      buildnumber: [7, "Build"],
      workername: ["w", "Worker"],
      basedir: ["/w", "Worker"],
      builddir: ["/w/b", "Worker"],
      trusted: [true, "Build"],
    });
  });

  it("come from change, buildset, builder and worker; the later win", () => {
    const got = make(
      {
        changes: [change("A", { a: ["change", "Change"], b: ["change", "Change"] })],
        properties: { b: ["set", "Scheduler"], c: ["set", "Scheduler"] },
      },
      { c: "builder", d: "builder" },
      { d: "worker" },
    );
    expect([got["a"], got["b"], got["c"], got["d"]]).toEqual([
      ["change", "Change"],
      ["set", "Scheduler"],
      ["builder", "Builder"],
      ["worker", "Worker"],
    ]);
  });

  it("keep each codebase's source apart when there are several", () => {
    const got = make({
      sourceStamps: [stamp({ codebase: "x", revision: "1" }), stamp({ codebase: "y", revision: null })],
    });
    expect(got["revision"]).toEqual([{ x: "1", y: null }, "Build"]);
  });

  it("name the owners: who made the changes, and who asked", () => {
    expect(make({ changes: [change("Zoe"), change("Ann"), change("Zoe")] })["owners"]).toEqual([
      ["Ann", "Zoe"],
      "Build",
    ]);
    const forced = make({ properties: { owner: ["Bob", "Force Build Form"] } });
    expect(forced["owners"]).toEqual([["Bob"], "Build"]);
    expect(forced["owner"]).toEqual(["Bob", "Force Build Form"]);
  });
});
