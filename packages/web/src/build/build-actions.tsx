import type { Build, Buildset } from "@multimaster/data";
import { useState } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { call } from "../api/read.ts";
import { ForceDialog } from "../builder/force-dialog.tsx";
import { valuesOfBuild } from "../builder/force-fields.ts";
import { ActionButton } from "../components/action-button.tsx";
import { propertyText } from "../format/properties.ts";
import { navigate } from "../router.ts";

export function BuildActions({ build, buildset }: { build: Build; buildset: Buildset | undefined }) {
  const path = `builds/${build.buildid}` as const;
  const rebuild = async () => {
    const [, requests] = await call("builds", path, "rebuild", {});
    const [request] = Object.values(requests);
    if (request !== undefined) navigate(`/buildrequests/${request}`);
  };
  return build.complete ? (
    <>
      <KeepButton build={build} />
      {buildset && <ChangedRebuild build={build} buildset={buildset} />}
      <ActionButton kind="primary" act={rebuild} title="The same source and properties again">
        Rebuild
      </ActionButton>
    </>
  ) : (
    <ActionButton
      kind="danger"
      act={(reason) => call("builds", path, "stop", { reason })}
      asksReason
      confirm="Stop this build? Its clean-up steps still run; stop it again to end those, too."
    >
      Stop
    </ActionButton>
  );
}

/** Keeps the build from being deleted by retention, or releases it. */
function KeepButton({ build }: { build: Build }) {
  const path = `builds/${build.buildid}` as const;
  return !build.kept_by ? (
    <ActionButton act={() => call("builds", path, "keep", {})} title="Retention will not delete it or its logs">
      Keep
    </ActionButton>
  ) : (
    <ActionButton act={() => call("builds", path, "release", {})} title="Retention may delete it when it is old">
      Release
    </ActionButton>
  );
}

/** Requests a build by the force form of its builder, filled in with the values of this build. */
function ChangedRebuild({ build, buildset }: { build: Build; buildset: Buildset }) {
  const [isOpen, setOpen] = useState(false);
  const { rows } = useRows("forceschedulers", `builders/${build.builderid}/forceschedulers`);
  const forms = rows?.filter(({ enabled }) => enabled) ?? [];
  const form = forms.find(({ name }) => name === propertyText(build.properties, "scheduler")) ?? forms[0];
  if (!form) return null;
  const initialValues = () => valuesOfBuild(form.all_fields, build, buildset.sourcestamps);
  return (
    <>
      <button type="button" title="Another branch, revision or property" onClick={() => setOpen(true)}>
        Change and rebuild
      </button>
      {isOpen && (
        <ForceDialog form={form} builderid={build.builderid} values={initialValues()} onClose={() => setOpen(false)} />
      )}
    </>
  );
}
