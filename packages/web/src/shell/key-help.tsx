import { Dialog } from "./dialog.tsx";

const keys = [
  ["/ or Ctrl-K", "find a builder, a worker, a change, a page"],
  ["j, k", "next, previous row"],
  ["n, p", "next, previous failed step; in a log the next, previous line found"],
  ["1 to 6", "home, builders, changes, queue, workers, cluster"],
  ["r", "to the first button of the page, such as Rebuild; Enter presses it"],
  [", .", "on a build: the tab before, after the open one"],
  ["[, ]", "on a build: the build before, after it"],
  ["s", "search the log; Enter and Shift-Enter go to the next, previous line found"],
  ["c, t, w, z", "copy the marked lines or the log; show when lines were printed; wrap lines; fold sections"],
  ["g, G", "first, last line of the log"],
  ["f", "follow the end of a running log"],
  ["Esc", "close, or leave a field"],
  ["?", "this list"],
] as const;

export function KeyHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
