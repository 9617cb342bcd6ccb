import type { PluginDescriptor } from "@multimaster/config";
import { expect, it } from "vitest";
import download from "./download.ts";
import fetchArtifacts from "./fetch-artifacts.ts";
import svn from "./svn.ts";
import trigger from "./trigger.ts";
import upload from "./upload.ts";

const schedulerNames = ["kids"];

it.each<[string, PluginDescriptor<"step">, string[]]>([
  ["upload of nothing", upload({}), [": needs one of the options files and directory"]],
  ["upload of both", upload({ files: "a", directory: "b" }), ["directory: stands beside files, and"]],
  ["upload of functions", upload({ files: () => undefined as never, directory: "b" }), []],
  ["download of nothing", download({ to: "a" }), [": needs one of the options artifact and fromMaster"]],
  ["download", download({ to: "a", artifact: "a" }), []],
  ["artifacts of no build", fetchArtifacts({}), [": needs one of the options builder and buildid"]],
  [
    "svn that exports into a former checkout",
    svn({ repourl: "svn://h/r", method: "export" }),
    ["method: export needs mode"],
  ],
  ["no items", trigger({ schedulerNames, maxInFlight: 3 }), ["maxInFlight: has no effect without items"]],
  [
    "items after unknown ones, not waited for",
    trigger({ schedulerNames, waitForFinish: false, items: [{ name: "a", after: ["b"] }] }),
    ["waitForFinish: has no effect beside items", 'items: "a" comes after "b", which is no item: the step fails'],
  ],
  [
    "items twice",
    trigger({ schedulerNames, items: [{ name: "a" }, { name: "a", properties: { p: () => 1 } as never }] }),
    ['items: two items are named "a": the step fails'],
  ],
  ["items of a function", trigger({ schedulerNames, items: () => [{ name: "a" }, { name: "a" }] }), []],
])("check-config says what is contradictory: %s", (_what, { plugin, options }, sentences) => {
  const said = (plugin.warnings?.(options) ?? []).map(({ path, sentence }) => `${path.join(".")}: ${sentence}`);
  expect(said).toEqual(sentences.map((sentence) => expect.stringContaining(sentence)));
});
