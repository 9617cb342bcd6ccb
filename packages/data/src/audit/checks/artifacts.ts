import { leftoverSeconds } from "@multimaster/database";
import type { Check } from "../check.ts";

/** Engines with a store clean up once a minute. */
const sweepSeconds = 600;

/** A row names an object, and goes after it. What is in the store itself is compared by `master artifacts check`. */
export const artifactChecks: readonly Check[] = [
  {
    id: "artifact-without-checksum",
    one: "An artifact is complete without its size or checksum",
    many: "{n} artifacts are complete without their size or checksum",
    means: "It was never written to its end, and nothing shows whether its bytes are right.",
    advice: "Report the fault with the log of the build's master, and set its state to 'removing'.",
    sql: () =>
      "select artifactid as id from mm_artifacts where state = 'complete' and (size is null or sha256 is null)",
  },
  {
    id: "artifact-upload-left",
    one: "An upload of artifacts is left of a build that has ended",
    many: "{n} rows of uploads are left of builds that have ended",
    means: "No one sees it, but it fills the artifact store. Engines remove such a row with its object within minutes.",
    advice: "See in the engines' logs why they cannot, and whether an engine runs whose config names the store.",
    sql: (at) => `select a.artifactid as id from mm_artifacts a left join builds b on b.id = a.buildid
      where a.state = 'uploading' and a.created_at <= ${at.before - leftoverSeconds - sweepSeconds}
        and (b.id is null or b.complete_at <= ${at.before - leftoverSeconds - sweepSeconds})`,
  },
];
