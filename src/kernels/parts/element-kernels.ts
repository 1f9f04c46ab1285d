import source from '../../../shaders/elements.wgsl';
import type { AdapterFacts, Launch, Shader } from '../op/op.ts';
import { linearGrid, WORKGROUP_SIZE } from './grid.ts';

/** What makes the launch of a kernel on elements its own; its uniforms are `size` besides `uniforms`. */
export interface ElementKernel extends Pick<Launch, 'uniforms' | 'bindings'> {
  /** Hook of elements.wgsl that computes one element. */
  readonly hook: Shader;
  readonly size: number;
}

/** The launch of a kernel with one invocation for each of `size` elements. */
export function elementLaunch(
  { hook, size, uniforms, bindings }: ElementKernel,
  adapter: AdapterFacts,
): Launch {
  return {
    shader: { name: 'elements', source },
    hooks: [hook],
    uniforms: { size, ...uniforms },
    ...(bindings && { bindings }),
    grid: linearGrid(size, WORKGROUP_SIZE, adapter),
  };
}
