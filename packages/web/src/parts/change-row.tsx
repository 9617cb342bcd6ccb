import type { Change } from "@multimaster/data";
import { personName, shortRevision } from "../words/properties.ts";
import { When } from "./when.tsx";

export function ChangeRow({ change }: { change: Change }) {
  const [subject] = change.comments.split("\n");
  return (
    <li data-row>
      <div class="grow cut">
        <a href={`/changes/${change.changeid}`}>{subject || "(no comment)"}</a>
        <div class="quiet cut">
          {personName(change.author)} {change.branch && `· ${change.branch}`}
          {change.project && ` · ${change.project}`}
        </div>
      </div>
      {change.revision && <code>{shortRevision(change.revision)}</code>}
      <span class="quiet when">
        <When at={change.when_timestamp} />
      </span>
    </li>
  );
}
