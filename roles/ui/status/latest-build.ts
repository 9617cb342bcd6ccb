import { type Build, builds, type Data, equals } from "@multimaster/data";

/** The builder's build with the highest number, running or ended; or only among ended ones. */
export async function latestBuild(
  data: Data,
  builderid: number,
  which: "any" | "ended" = "any",
): Promise<Build | undefined> {
  const filters = [equals("builderid", builderid), ...(which === "ended" ? [equals("complete", true)] : [])];
  const { rows } = await data.find(builds, { filters, order: ["-number"], limit: 1, countTo: 0 });
  return rows[0];
}
