import { expect, it } from "vitest";
import { formatBytes } from "./bytes.ts";

it("shows a size in the unit that people read", () => {
  const sizes = [0, 1023, 1024, 1536, 20 * 1024 ** 2, 3 * 1024 ** 3, 5000 * 1024 ** 4];
  expect(sizes.map(formatBytes)).toEqual([
    "0 bytes",
    "1023 bytes",
    "1.0 KiB",
    "1.5 KiB",
    "20 MiB",
    "3.0 GiB",
    "5000 TiB",
  ]);
});
