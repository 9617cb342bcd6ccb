import type { Scheduler } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { call } from "../api/read.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { Page, Rows } from "../parts/page.tsx";

/** What makes builds out of changes, times and wishes. */
export function SchedulersPage() {
  const schedulers = useRows<Scheduler>("schedulers", ["schedulers/*/*", "masters/*/*"]);
  return (
    <Page title="Schedulers">
      <Rows of={schedulers} empty="There are no schedulers: add some to the scheduler part of the config.">
        {(rows) => (
          <div class="table-scroll">
            <table class="table">
              <thead>
                <tr>
                  <th>Scheduler</th>
                  <th>State</th>
                  <th>Runs on</th>
                  <th>
                    <span class="sr-only">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map(({ schedulerid, name, enabled, master }) => (
                  <tr key={schedulerid}>
                    <td class="wide">{name}</td>
                    <td>{enabled ? "on" : <strong>off: it starts nothing</strong>}</td>
                    <td>{master ? <a href="/cluster">{master.name}</a> : <span class="quiet">no master yet</span>}</td>
                    <td class="right">
                      <ActionButton
                        kind="small"
                        act={() => call(`schedulers/${schedulerid}`, "enable", { enabled: !enabled })}
                        confirm={enabled ? "Switched off it starts no builds. Switch it off?" : ""}
                      >
                        {enabled ? "Switch off" : "Switch on"}
                      </ActionButton>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Rows>
    </Page>
  );
}
