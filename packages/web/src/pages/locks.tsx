import type { Lock, LockHold, LockWait } from "@multimaster/data";
import type { Topic } from "@multimaster/data/client";
import { useRows } from "../api/live-query.ts";
import { call } from "../api/read.ts";
import { ActionButton } from "../components/action-button.tsx";
import { Page, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { When } from "../components/when.tsx";

const topics: readonly Topic[] = ["locks/*/*", "builds/*/*", "buildrequests/*/*"];

/** Every lock, with who has it and who waits for it, in their order. */
export function LocksPage() {
  const locks = useRows("locks", "locks", { order: "name", limit: 500 }, topics);
  const holds = useRows("lock_holds", "lock_holds", { limit: 1000 }, topics);
  const waits = useRows("lock_waits", "lock_waits", { limit: 1000 }, topics);
  return (
    <Page title="Locks">
      <p class="quiet">
        Engines ask for the first requests of a lock; those behind them are in the <a href="/queue">queue</a>.
      </p>
      <Rows of={locks} empty="No build has asked for a lock yet.">
        {(rows) => <LockTable locks={rows} holds={holds.rows ?? []} waits={waits.rows ?? []} />}
      </Rows>
    </Page>
  );
}

interface Shown {
  readonly holds: readonly LockHold[];
  readonly waits: readonly LockWait[];
}

function LockTable({ locks, holds, waits }: Shown & { locks: readonly Lock[] }) {
  return (
    <Table
      stacks
      head={
        <>
          <th>Lock</th>
          <th>Held by</th>
          <th>Waiting, in this order</th>
        </>
      }
    >
      {locks.map((lock) => (
        <tr key={lock.lockid}>
          <td>
            {lock.worker === null ? lock.name : `${lock.name} of ${lock.worker}`}
            {lock.max > 1 && <span class="quiet"> up to {lock.max}</span>}
          </td>
          <td class="half" data-label="Held by">
            {holds
              .filter(({ lockid }) => lockid === lock.lockid)
              .map((hold) => (
                <Holder key={hold.holdid} hold={hold} />
              ))}
          </td>
          <td class="half" data-label="Waiting, in this order">
            {inTurn(waits.filter(({ lockid }) => lockid === lock.lockid)).map(([first, masters]) => (
              <div key={first.waitid} class="in-text">
                <a href={`/buildrequests/${first.buildrequestid}`}>{first.builder}</a>{" "}
                <span class="quiet">
                  request {first.buildrequestid}, {describeUse(first)} on {masters.join(" or ")}, asked{" "}
                  <When at={first.since} />
                </span>
              </div>
            ))}
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** A request that several engines could start waits once, with the engines that ask for it. */
function inTurn(waits: readonly LockWait[]): [first: LockWait, masters: string[]][] {
  const turns = new Map<string, [LockWait, string[]]>();
  for (const wait of waits) {
    const key = `${wait.buildrequestid} ${wait.stepid}`;
    const turn = turns.get(key);
    if (turn) turn[1].push(wait.master);
    else turns.set(key, [wait, [wait.master]]);
  }
  return [...turns.values()];
}

function Holder({ hold }: { hold: LockHold }) {
  const {
    builder,
    number,
    builderid,
    buildrequestid,
    master,
    holdid,
    resource,
    lost,
    kept_until: until,
    taken_at: since,
  } = hold;
  return (
    <div class="in-text">
      {number === null ? (
        <a href={`/buildrequests/${buildrequestid}`}>{builder}</a>
      ) : (
        <a href={`/builders/${builderid}/builds/${number}`}>
          {builder} #{number}
        </a>
      )}{" "}
      <span class="quiet">
        {resource ?? describeUse(hold)} on {master}, taken <When at={since} />
        {lost && ", lost: its command may still run on its worker"}
        {lost && until && (
          <>
            , free <When at={until} /> at the latest
          </>
        )}
      </span>{" "}
      <ActionButton
        kind="small danger"
        confirm={`Take the lock away? ${lost ? "The command may still run." : "The build goes on without it."}`}
        act={() => call("lock_holds", `lock_holds/${holdid}`, "break", {})}
      >
        Break
      </ActionButton>
    </div>
  );
}

const describeUse = ({ exclusive, count }: Pick<LockHold, "exclusive" | "count">) =>
  exclusive ? "alone" : count === 1 ? "with others" : `${count} of it`;
