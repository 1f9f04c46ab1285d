import type { AdapterFacts } from '../op/op.ts';

/** Invocations of a workgroup in kernels without workgroup memory; shaders declare `const WORKGROUP_SIZE: u32 = 64u`. */
export const WORKGROUP_SIZE = 64;

/**
 * Workgroups for one invocation per element. What exceeds the limit of one dimension is folded into y; the shader
 * recovers its element as `id.x + id.y * groups.x * WORKGROUP_SIZE` from `global_invocation_id` and `num_workgroups`.
 */
export function linearGrid(
  elements: number,
  workgroupSize: number,
  adapter: AdapterFacts,
): readonly [number, number, number] {
  return foldGrid(Math.ceil(elements / workgroupSize), adapter);
}

/** The same for a number of workgroups; the shader's workgroup is `group.x + group.y * groups.x`. */
export function foldGrid(workgroups: number, adapter: AdapterFacts): readonly [number, number, number] {
  const y = Math.ceil(workgroups / adapter.maxWorkgroupsPerDimension);
  return y <= 1 ? [workgroups, 1, 1] : [Math.ceil(workgroups / y), y, 1];
}
