import type { InnerStep, PluginDescriptor } from "./plugin.ts";

/** The steps of a builder, each followed by those in its options, with their paths from the builder. */
export function listSteps({ steps }: { readonly steps: readonly PluginDescriptor<"step">[] }): readonly InnerStep[] {
  return steps.flatMap((step, i) => withInner({ path: ["steps", i], step }));
}

function withInner({ path, step }: InnerStep): InnerStep[] {
  const inner = step.plugin.inner?.(step.options) ?? [];
  return [{ path, step }, ...inner.flatMap((one) => withInner({ path: [...path, ...one.path], step: one.step }))];
}
