import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { branchHref, pullOf } from "../format/addresses.ts";
import { useBuilders, useMasters } from "../format/names.ts";
import { navigate } from "../router.ts";
import { Dialog } from "./dialog.tsx";
import { type Findable, findBest } from "./find-best.ts";

const pages: readonly Findable[] = [
  ["Home", "/"],
  ["Builders", "/builders"],
  ["Failing", "/failing"],
  ["Changes", "/changes"],
  ["Console", "/console"],
  ["Grid", "/grid"],
  ["Timeline", "/timeline"],
  ["Queue", "/queue"],
  ["Locks", "/locks"],
  ["Reports", "/reports"],
  ["Workers", "/workers"],
  ["Instances", "/instances"],
  ["Cluster", "/cluster"],
  ["Tests", "/tests"],
  ["Schedulers", "/schedulers"],
  ["Settings", "/settings"],
].map(([name = "", href = ""]) => ({ kind: "page", name, href }));

/** Finds anything by its name; "web 812" is build 812 of builder web. */
export function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  const results = findBest(useFindables(text.trim().toLowerCase()), text, 12);
  const open = (found: Findable | undefined) => {
    if (!found) return;
    onClose();
    navigate(found.href);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setChosen((i) => Math.min(i + 1, results.length - 1));
    else if (event.key === "ArrowUp") setChosen((i) => Math.max(i - 1, 0));
    else if (event.key === "Enter") open(results[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Find" onClose={onClose}>
      <input
        ref={input}
        class="palette-input"
        type="text"
        role="combobox"
        aria-label="Find a builder, build, branch, worker, change or page"
        aria-expanded="true"
        aria-controls="palette-results"
        aria-activedescendant={results.length > 0 ? `palette-${chosen}` : undefined}
        placeholder="Builder, builder 12, branch, author, page…"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div class="palette-results" id="palette-results" role="listbox" aria-label="Found">
        {results.map((found, i) => (
          <button
            type="button"
            key={found.href + found.name}
            id={`palette-${i}`}
            role="option"
            aria-selected={i === chosen}
            tabIndex={-1}
            onClick={() => open(found)}
          >
            <bdi>{found.name}</bdi>
            <span class="quiet">{found.kind}</span>
          </button>
        ))}
        {results.length === 0 && (
          <p class="empty">No builder, branch, worker, master, page or recent change has that name.</p>
        )}
      </div>
    </Dialog>
  );
}

/** A name without spaces. */
const branchLike = /^\S{2,}$/;

function findBranch(branch: string): Findable {
  const pull = pullOf(branch);
  return pull === undefined
    ? { kind: "branch", name: branch, href: branchHref(branch) }
    : { kind: "pull request", name: `Pull request ${pull}`, also: `#${pull} ${branch}`, href: `/pulls/${pull}` };
}

/** The beginning of a revision, which is looked up among all changes. */
const revisionLike = /^[0-9a-f]{6,40}$/;

function useFindables(text: string): Findable[] {
  const builders = useBuilders().rows ?? [];
  const workers = useRows("workers", "workers", { field: ["workerid", "name"] }).rows ?? [];
  const changes = useRows("changes", "changes", { order: "-changeid", limit: 200 }).rows ?? [];
  const masters = useMasters().rows ?? [];
  const older =
    useRows("changes", revisionLike.test(text) ? "changes" : undefined, {
      revision__ge: text,
      revision__lt: `${text}g`,
      order: "-changeid",
      limit: 5,
    }).rows ?? [];
  // One that none of the newest changes is on is found by its whole name.
  const [elsewhere] =
    useRows("changes", branchLike.test(text) ? "changes" : undefined, {
      branch: text,
      field: ["changeid", "branch"],
      order: "-changeid",
      limit: 1,
    }).rows ?? [];
  const branches = [...new Set([...changes, ...(elsewhere ? [elsewhere] : [])].flatMap(({ branch }) => branch || []))];
  const known = new Set(changes.map(({ changeid }) => changeid));
  return [
    ...pages,
    ...builders.map(({ name, builderid }) => ({ kind: "builder", name, href: `/builders/${builderid}` })),
    ...workers.map(({ name, workerid }) => ({ kind: "worker", name, href: `/workers/${workerid}` })),
    ...branches.map(findBranch),
    ...masters.map(({ name }) => ({ kind: "master", name, href: "/cluster" })),
    ...[...changes, ...older.filter(({ changeid }) => !known.has(changeid))].map(
      ({ changeid, author, comments, revision }) => ({
        kind: "change",
        name: `${comments.split("\n")[0]} · ${author}`,
        also: revision ?? "",
        href: `/changes/${changeid}`,
      }),
    ),
  ];
}
