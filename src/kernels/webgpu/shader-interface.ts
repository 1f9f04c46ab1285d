import { KernelError } from '../op/errors.ts';
import type { SpecialisedSource } from './specialise.ts';
import { type UniformLayout, uniformLayout } from './uniforms.ts';

export type Access = 'read' | 'read_write';

/** What a shader wants bound: storage buffers in group 0 by binding index, and perhaps uniforms in group 1. */
export interface ShaderInterface {
  readonly bindings: readonly Access[];
  readonly uniforms: UniformLayout | null;
}

const RESOURCE =
  /^(?=[\s\S]*@group\(\s*(\d+)u?\s*\))(?=[\s\S]*@binding\(\s*(\d+)u?\s*\))[\s\S]*?\bvar\s*<\s*(\w+)\s*(?:,\s*(\w+)\s*)?>\s*\w+\s*:\s*([^;]+);$/;

/**
 * Reads the resource declarations of a shader. Throws KernelError naming the file where they are not storage buffers
 * at `@group(0) @binding(0, 1, …)` and at most one uniform buffer at `@group(1) @binding(0)`.
 */
export function reflect(source: SpecialisedSource): ShaderInterface {
  const bindings: Access[] = [];
  let uniforms: UniformLayout | null = null;
  for (const declaration of source.declarations.values()) {
    if (declaration.kind !== 'var' || !declaration.text.includes('@group')) continue;
    const match = RESOURCE.exec(declaration.text);
    if (!match) throw new KernelError(`${source.name}: cannot read the binding ${declaration.name}`);
    const [, group, index, space, access = 'read', type] = match;
    if (space === 'uniform' && group === '1' && index === '0') {
      uniforms = uniformLayout(type.trim(), source);
    } else if (space === 'storage' && group === '0' && (access === 'read' || access === 'read_write')) {
      if (bindings[Number(index)])
        throw new KernelError(`${source.name}: two bindings have the index ${index}`);
      bindings[Number(index)] = access;
    } else {
      throw new KernelError(
        `${source.name}: ${declaration.name} is var<${space}> at group ${group}, binding ${index}; storage goes to ` +
          'group 0, the uniform struct to group 1, binding 0',
      );
    }
  }
  for (let index = 0; index < bindings.length; index++) {
    if (!bindings[index])
      throw new KernelError(`${source.name}: nothing is declared at group 0, binding ${index}`);
  }
  return { bindings, uniforms };
}
