import { expect, it } from "vitest";
import { stripEscapes } from "./strip-escapes.ts";

const esc = "\u001b";

it.each([
  ["colours", `${esc}[1;31mred${esc}[0m ${esc}[38:5:12mblue${esc}[m`, "red blue"],
  ["movements of the cursor", `${esc}[2K${esc}[1Gdone${esc}7${esc}8`, "done"],
  ["titles and links", `${esc}]0;a title\u0007x${esc}]8;;http://x${esc}\\y`, "xy"],
  ["what `tput sgr0` prints", `a${esc}(B${esc}[mb`, "ab"],
  ["control characters", "a\u0000\u0007\bb\r\n\tc\u009b31m", "ab\n\tc"],
  ["an escape code that was cut off", `[31mred${esc}`, "[31mred"],
])("strips %s", (_, text, shown) => {
  expect(stripEscapes(text)).toBe(shown);
});
