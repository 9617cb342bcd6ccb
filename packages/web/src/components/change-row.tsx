import type { Change } from "@multimaster/data";
import type { ComponentChildren } from "preact";
import { shortRevision } from "../format/properties.ts";
import { BranchLink } from "./branch-link.tsx";
import { ForeignLink } from "./foreign-link.tsx";
import { Person } from "./person.tsx";
import { When } from "./when.tsx";

/** A change; `children` are shown before its revision. */
export function ChangeRow({ change, children }: { change: Change; children?: ComponentChildren }) {
  const [subject] = change.comments.split("\n");
  return (
    <li data-row>
      <div class="grow cut">
        <a href={`/changes/${change.changeid}`}>
          <bdi>{subject || "(no comment)"}</bdi>
        </a>
        <div class="quiet cut">
          <Person author={change.author} /> {change.branch && "· "}
          <BranchLink branch={change.branch} />
          {change.project && ` · ${change.project}`}
        </div>
      </div>
      {children}
      {change.revision &&
        (change.revlink ? (
          <ForeignLink href={change.revlink}>
            <code title={change.revision}>{shortRevision(change.revision)}</code>
          </ForeignLink>
        ) : (
          <code title={change.revision}>{shortRevision(change.revision)}</code>
        ))}
      <span class="quiet when">
        <When at={change.when_timestamp} />
      </span>
    </li>
  );
}
