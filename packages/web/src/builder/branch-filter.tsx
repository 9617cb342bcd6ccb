import { useState } from "preact/hooks";
import { useRows } from "../api/live-query.ts";

/** Branches that are offered for what was typed. */
const mostOffered = 30;

/** Chooses a branch that the builder has built: the server searches them, for a builder may have thousands. */
export function BranchFilter({
  builderid,
  lineid,
  onChoose,
}: {
  builderid: number;
  /** The chosen one. */
  lineid: string;
  onChoose: (lineid: string) => void;
}) {
  const [text, setText] = useState("");
  const offered = useRows(
    "builder_lines",
    `builders/${builderid}/lines`,
    { limit: mostOffered, order: "-lineid", ...(text === "" ? {} : { words__contains: text.toLowerCase() }) },
    ["builds/*/finished"],
  );
  const chosen = useRows("builder_lines", lineid === "" ? undefined : `builders/${builderid}/lines`, {
    lineid: Number(lineid) || 0,
  }).rows?.[0];
  if (lineid !== "")
    return (
      <span class="chosen-branch">
        <span class="quiet">Branch</span> <strong class="cut">{chosen?.source ?? "…"}</strong>{" "}
        <button type="button" onClick={() => onChoose("")}>
          All branches
        </button>
      </span>
    );
  const choose = (value: string) => {
    setText(value);
    const line = offered.rows?.find(({ source }) => source === value);
    if (line) onChoose(String(line.lineid));
  };
  return (
    <label>
      <span class="quiet">Branch</span>{" "}
      <input
        type="search"
        list="branches-of-builder"
        placeholder="any"
        value={text}
        onInput={(event) => choose(event.currentTarget.value)}
      />
      <datalist id="branches-of-builder">
        {offered.rows?.map(({ lineid: id, source }) => (
          <option key={id} value={source} />
        ))}
      </datalist>
    </label>
  );
}
