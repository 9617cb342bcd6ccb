import { useState } from "preact/hooks";
import { Page } from "../components/page.tsx";
import { settings } from "../settings.ts";

const choices = [
  { name: "theme", title: "Theme", options: { system: "as the system", light: "light", dark: "dark" } },
  { name: "times", title: "Times", options: { ago: "3 min ago", exact: "exact" } },
  { name: "wrap", title: "Long lines in logs", options: { off: "scroll", on: "wrap" } },
] as const;

/** The preferences of this browser. */
export function SettingsPage() {
  const [, redraw] = useState(0);
  return (
    <Page title="Settings">
      <p class="quiet">Kept in this browser only.</p>
      <div class="form settings">
        {choices.map(({ name, title, options }) => (
          <fieldset key={name}>
            <legend>{title}</legend>
            {Object.entries(options).map(([value, label]) => (
              <label key={value}>
                <input
                  type="radio"
                  name={name}
                  checked={settings.get(name) === value}
                  onChange={() => {
                    settings.set(name, value as never);
                    redraw((n) => n + 1);
                  }}
                />
                {label}
              </label>
            ))}
          </fieldset>
        ))}
      </div>
    </Page>
  );
}
